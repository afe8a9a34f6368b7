/*
 * Any bytes as Markdown: the HTML has the tags that html_markdown.c writes and no others, links
 * that may be links, and no character that acts on what surrounds it. The page's writer is not in
 * the library, so its sources are compiled into this.
 */
#define _XOPEN_SOURCE 700      /* wcwidth() */
#include "cli/html.c"          /* NOLINT(bugprone-suspicious-include) */
#include "cli/html_markdown.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/text.c"          /* NOLINT(bugprone-suspicious-include) */

#include "base/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const tags[] = {"a", "blockquote", "br", "code", "del", "div", "em", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul"};

static bool
is_ours(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strlen(tags[i]) == length && strncmp(tags[i], name, length) == 0)
			return true;
	return false;
}

/* From behind its "<"; the end of it. */
static const char *
check_tag(const char *at)
{
	const char *name = at + (*at == '/'), *end = strchr(at, '>');
	size_t length = strcspn(name, " >");

	if (!end || memchr(at, '<', (size_t)(end - at)))
		die("a tag has no end: %.60s", at);
	if (!is_ours(name, length))
		die("a tag is not ours: %.60s", at);
	const char *href = strstr(at, " href=\"");
	if (href && href < end && !may_be_linked(href + strlen(" href=\"")))
		die("a link leads elsewhere: %.60s", href);
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct buf html = {0};

	html_markdown(&html, text);
	for (const char *at = strchr(buf_text(&html), '<'); at; at = strchr(at, '<'))
		at = check_tag(at + 1);
	char *again = text_form(buf_text(&html), TEXT_BLOCK);
	if (strcmp(again, buf_text(&html)) != 0)
		die("a character is not safe");
	free(again);
	free(text);
	buf_free(&html);
	return 0;
}
