/*
 * Faults and the end of a process that has found a bug in itself: see fault.h.
 */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

bool
fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
	/* A little longer than what is kept, to see whether a character is cut. It also makes it
	 * legal for the arguments to point into the fault that is set: a sentence is often put in
	 * front of another. */
	char whole[sizeof(fault->text) + 4];
	size_t kept;
	va_list args;

	va_start(args, format);
	vsnprintf(whole, sizeof(whole), format, args);
	va_end(args);
	kept = utf8_cut(whole, strlen(whole), sizeof(fault->text) - 1);
	memcpy(fault->text, whole, kept);
	fault->text[kept] = '\0';
	fault->kind = kind;
	return false;
}

void
die(const char *format, ...)
{
	va_list args;

	fputs("vigil: bug: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
