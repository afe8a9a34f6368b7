/*
 * Text in HTML: see html.h. Markdown is in html_markdown.c.
 */
#include "cli/html.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

char *
html_clean(const char *text)
{
	size_t bytes = strlen(text), used = 0;
	char *lines = xcalloc(bytes + 1, 1);

	for (size_t i = 0; i < bytes; i++)
		if (text[i] != '\r' || text[i + 1] != '\n')
			lines[used++] = text[i];
	char *clean = text_form(lines, TEXT_BLOCK);
	free(lines);
	return clean;
}

static const char *
entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void
html_escape(struct buf *out, const char *text, size_t bytes)
{
	size_t plain = 0;

	for (size_t i = 0; i < bytes; i++) {
		const char *entity = entity_of(text[i]);

		if (!entity)
			continue;
		buf_add(out, text + plain, i - plain);
		buf_puts(out, entity);
		plain = i + 1;
	}
	buf_add(out, text + plain, bytes - plain);
}

void
html_text(struct buf *out, const char *text)
{
	if (!text)
		return;
	char *clean = html_clean(text);
	html_escape(out, clean, strlen(clean));
	free(clean);
}
