/*
 * A folder for the files of one test, which goes away with what is in it.
 */
#ifndef VIGIL_TESTS_LIB_SCRATCH_H
#define VIGIL_TESTS_LIB_SCRATCH_H

char *scratch_new(void); /* below TMPDIR; fails the test if it cannot be made */
void scratch_remove(char *folder);

#endif
