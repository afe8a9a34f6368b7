/*
 * The ways in which a night is shown.
 */
#ifndef VIGIL_CLI_REPORT_H
#define VIGIL_CLI_REPORT_H

#include <stdio.h>

#include "cli/report_night.h"

/* For people, on a terminal or into a pipe; safe whatever is in the texts. */
void report_text(FILE *, const struct night *);

#endif
