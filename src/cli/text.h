/*
 * Text that others wrote, made safe to show: an agent's answer can hold escape sequences that
 * would retitle, recolour or rewrite the terminal it is printed on.
 */
#ifndef VIGIL_CLI_TEXT_H
#define VIGIL_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum text_form {
	TEXT_UTF8,  /* as it is; bytes that are no characters become U+FFFD, as in the others */
	TEXT_BLOCK, /* line ends and tabs stay; other control characters show as ^X or <U+XXXX> */
	TEXT_LINE,  /* these become blanks */
	TEXT_JSON,  /* of a JSON document: the same document, with \uXXXX for what a terminal obeys
		     */
};

/* The caller frees. "" for NULL. */
char *text_form(const char *text, enum text_form);

/* Columns on a terminal; the bytes that fit into so many. Of text in one of the forms. */
size_t text_width(const char *text);
size_t text_fit(const char *text, size_t columns);

/* As much as fits into so many columns, and then the ellipsis, if not all does. The caller frees.
 */
char *text_cut(const char *text, size_t columns, const char *ellipsis);

/* Does the environment's locale have UTF-8? Where it does not, a terminal takes bytes beyond ASCII
 * for something else, control characters among them: it is to be sent ASCII alone, in which what
 * has no likeness shows as '?'. The caller frees. */
bool text_locale_is_utf8(void);
char *text_ascii(const char *text);

#endif
