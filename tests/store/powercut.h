/*
 * A power cut, for a test: of what this process has written below a folder, and has not synced,
 * anything may be lost.
 *
 * The calls that change files are defined here, in the test's own program, and so it is these that
 * SQLite and vigil call. Each does what it always does, and is remembered until its file or folder
 * is synced. At a cut the folder is left as a disk could be found afterwards:
 *
 *   a file      has what it had when it was last synced, and of what was written since then any
 *               part: each write is kept, dropped, or torn into sectors; a truncation may be undone
 *   a folder    has the names that it had when it was last synced, and any part of what has changed
 *               since then: a new file may be missing, a deleted one may be back
 *   PATH-shm    is gone: it is memory
 *
 * Calls that nobody here does (writev, openat, fallocate …) are not defined: test_powercut.c sees
 * to it that SQLite does none of them.
 *
 * Only in a child process, which ends at the cut.
 */
#ifndef VIGIL_TESTS_STORE_POWERCUT_H
#define VIGIL_TESTS_STORE_POWERCUT_H

#include <stdint.h>

#define POWERCUT_EXIT 77 /* how the process ends */

/* From now on; what is below the folder already, is safe. The power goes at the `call`-th call that
 * changes something or syncs it, before that call does anything; `seed` says what is lost. */
void powercut_watch(const char *folder, long call, uint64_t seed);
long powercut_calls(void); /* so far */
_Noreturn void powercut_now(void);

#endif
