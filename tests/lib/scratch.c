/*
 * See scratch.h.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include "scratch.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

enum { DESCRIPTORS = 16 };

char *
scratch_new(void)
{
	const char *base = getenv("TMPDIR");
	char *folder = xasprintf("%s/vigil-test-XXXXXX", base && *base ? base : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

void
scratch_remove(char *folder)
{
	nftw(folder, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
	free(folder);
}
