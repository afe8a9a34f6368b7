/*
 * HTML: text that others wrote, in a page of ours.
 */
#ifndef VIGIL_CLI_HTML_H
#define VIGIL_CLI_HTML_H

#include <stddef.h>

#include "base/buf.h"

/* Adds text so that it is text and nothing else, in an element or in a quoted attribute: control
 * characters and what turns the direction of writing are shown by name. NULL adds nothing. */
void html_text(struct buf *, const char *text);

/* The same in two steps, for what is parsed in between: characters made safe, the caller frees;
 * then the five of HTML escaped. */
char *html_clean(const char *text);
void html_escape(struct buf *, const char *text, size_t bytes);

/* Adds Markdown as HTML. What it can have is written here: no element, attribute or address that
 * is not. Raw HTML is text, an image is its description and its address, a link leads to http,
 * https or mailto or is text. What would swell to many times its size comes as it is written. */
void html_markdown(struct buf *, const char *text);

#endif
