/*
 * The main function's whole work, for a program of tests with one case.
 */
#ifndef VIGIL_TESTS_LIB_SUITE_H
#define VIGIL_TESTS_LIB_SUITE_H

#include <check.h>

int run_suite(TCase *, const char *name); /* the exit status */

#endif
