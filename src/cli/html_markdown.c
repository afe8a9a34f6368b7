/*
 * Markdown as HTML, by md4c's parser: it calls for each block, span and piece of text, and all that
 * is written is written here. See html.h.
 */
#include <md4c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "cli/html.h"
#include "cli/text.h"

/* Deeper ones have no tags of their own; browsers have limits, too. */
enum { DEPTH_MOST = 40 };

/* A table's rows may be short, and are filled up with cells. */
enum { SWELL_MOST = 12, SWELL_FREE = 1 << 16 };

struct markdown {
	struct buf *out;
	size_t limit; /* of out */
	int depth;    /* of blocks and spans */
	int links;    /* how many are around, */
	int link;     /* and which of them is one in HTML; 0: none */
};

static void
put(const struct markdown *m, const char *html)
{
	buf_puts(m->out, html);
}

/* ---- entities ------------------------------------------------------------------------------- */

/* Those that people write; by others a text could say what is not to be seen. */
static const struct {
	const char *name, *text;
} entities[] = {
    {"&amp;", "&"},
    {"&lt;", "<"},
    {"&gt;", ">"},
    {"&quot;", "\""},
    {"&apos;", "'"},
    {"&nbsp;", " "},
    {"&copy;", "©"},
    {"&deg;", "°"},
    {"&times;", "×"},
    {"&mdash;", "—"},
    {"&ndash;", "–"},
    {"&hellip;", "…"},
    {"&rarr;", "→"},
    {"&larr;", "←"},
    {"&middot;", "·"},
    {"&bull;", "•"},
};

static size_t
encode(uint32_t point, char out[5])
{
	size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char firsts[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = count; i-- > 1; point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(firsts[count] | point);
	out[count] = '\0';
	return count;
}

/* "&#8238;" or "&#x202e;". */
static bool
decode_number(const char *text, char out[5])
{
	bool is_hex = text[2] == 'x' || text[2] == 'X';
	unsigned long point = strtoul(text + (is_hex ? 3 : 2), NULL, is_hex ? 16 : 10);

	if (text[1] != '#')
		return false;
	if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		point = 0xfffd;
	encode((uint32_t)point, out);
	return true;
}

/* Adds the characters that an entity stands for, which are as safe as the others then. */
static void
add_entity(struct buf *out, const char *text, size_t bytes)
{
	char *name = xstrndup(text, bytes), number[5];
	const char *found = decode_number(name, number) ? number : NULL;

	for (size_t i = 0; !found && i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strcmp(entities[i].name, name) == 0)
			found = entities[i].text;
	char *safe = text_form(found ? found : name, TEXT_LINE);
	buf_puts(out, safe);
	free(safe);
	free(name);
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* As text, entities decoded; the caller frees. */
static char *
address(const MD_ATTRIBUTE *attribute)
{
	struct buf text = {0};

	for (size_t i = 0; attribute->text && attribute->substr_offsets[i] < attribute->size; i++) {
		const char *from = attribute->text + attribute->substr_offsets[i];
		size_t bytes = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];

		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			add_entity(&text, from, bytes);
		else
			buf_add(&text, from, bytes);
	}
	return buf_take(&text);
}

static bool
may_be_linked(const char *url)
{
	static const char *const schemes[] = {"https://", "http://", "mailto:"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

static void
open_link(struct markdown *m, const MD_SPAN_A_DETAIL *detail)
{
	char *url = address(&detail->href);

	m->links++;
	if (!m->link && may_be_linked(url)) {
		m->link = m->links;
		put(m, "<a rel=\"noopener noreferrer nofollow\" href=\"");
		html_escape(m->out, url, strlen(url));
		put(m, "\">");
	}
	free(url);
}

/* Where a link may not lead is said behind its text, so that nothing is lost. */
static void
close_link(struct markdown *m, const MD_SPAN_A_DETAIL *detail)
{
	if (m->link == m->links) {
		put(m, "</a>");
		m->link = 0;
	} else if (!m->link) {
		char *url = address(&detail->href);

		put(m, " <span class=\"address\">(");
		html_escape(m->out, url, strlen(url));
		put(m, ")</span>");
		free(url);
	}
	m->links--;
}

static void
close_image(struct markdown *m, const MD_SPAN_IMG_DETAIL *detail)
{
	char *url = address(&detail->src);

	put(m, " <span class=\"address\">(");
	html_escape(m->out, url, strlen(url));
	put(m, ")</span></span>");
	free(url);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void
put_cell(const struct markdown *m, bool is_head, const MD_BLOCK_TD_DETAIL *detail)
{
	put(m, is_head ? "<th scope=\"col\"" : "<td");
	put(m, detail->align == MD_ALIGN_RIGHT    ? " class=\"right\">"
	       : detail->align == MD_ALIGN_CENTER ? " class=\"center\">"
						  : ">");
}

static void
open_block(const struct markdown *m, MD_BLOCKTYPE type, const void *detail)
{
	static const char *const tags[] = {
	    [MD_BLOCK_QUOTE] = "<blockquote>",
	    [MD_BLOCK_UL] = "<ul>",
	    [MD_BLOCK_LI] = "<li>",
	    [MD_BLOCK_HR] = "<hr>",
	    [MD_BLOCK_CODE] = "<pre><code>",
	    [MD_BLOCK_P] = "<p>",
	    [MD_BLOCK_TABLE] =
		"<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>",
	    [MD_BLOCK_THEAD] = "<thead>",
	    [MD_BLOCK_TBODY] = "<tbody>",
	    [MD_BLOCK_TR] = "<tr>",
	    [MD_BLOCK_TD] = NULL,
	};

	if (type == MD_BLOCK_H) {
		unsigned level = ((const MD_BLOCK_H_DETAIL *)detail)->level;

		buf_printf(m->out, "<h%d class=\"level%u\">", level == 1 ? 5 : 6, level);
	} else if (type == MD_BLOCK_OL) {
		buf_printf(
		    m->out, "<ol start=\"%u\">", ((const MD_BLOCK_OL_DETAIL *)detail)->start);
	} else if (type == MD_BLOCK_TH || type == MD_BLOCK_TD) {
		put_cell(m, type == MD_BLOCK_TH, detail);
	} else if (tags[type]) {
		put(m, tags[type]);
	}
}

static void
close_block(const struct markdown *m, MD_BLOCKTYPE type, const void *detail)
{
	static const char *const tags[] = {
	    [MD_BLOCK_QUOTE] = "</blockquote>\n",
	    [MD_BLOCK_UL] = "</ul>\n",
	    [MD_BLOCK_OL] = "</ol>\n",
	    [MD_BLOCK_LI] = "</li>\n",
	    [MD_BLOCK_CODE] = "</code></pre>\n",
	    [MD_BLOCK_P] = "</p>\n",
	    [MD_BLOCK_TABLE] = "</table></div>\n",
	    [MD_BLOCK_THEAD] = "</thead>",
	    [MD_BLOCK_TBODY] = "</tbody>",
	    [MD_BLOCK_TR] = "</tr>\n",
	    [MD_BLOCK_TH] = "</th>",
	    [MD_BLOCK_TD] = "</td>",
	};

	if (type == MD_BLOCK_H)
		put(m, ((const MD_BLOCK_H_DETAIL *)detail)->level == 1 ? "</h5>\n" : "</h6>\n");
	else if (tags[type])
		put(m, tags[type]);
}

static int
enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct markdown *m = arg;

	if (++m->depth <= DEPTH_MOST)
		open_block(m, type, detail);
	return m->out->len > m->limit;
}

static int
leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	struct markdown *m = arg;

	if (m->depth-- <= DEPTH_MOST)
		close_block(m, type, detail);
	return m->out->len > m->limit;
}

/* ---- spans and text ------------------------------------------------------------------------- */

static int
enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
	struct markdown *m = arg;

	if (++m->depth > DEPTH_MOST)
		return 0;
	if (type == MD_SPAN_A)
		open_link(m, detail);
	else
		put(m, type == MD_SPAN_EM       ? "<em>"
		       : type == MD_SPAN_STRONG ? "<strong>"
		       : type == MD_SPAN_CODE   ? "<code>"
		       : type == MD_SPAN_DEL    ? "<del>"
		       : type == MD_SPAN_IMG    ? "<span class=\"image\">image: "
						: "");
	return m->out->len > m->limit;
}

static int
leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
	struct markdown *m = arg;

	if (m->depth-- > DEPTH_MOST)
		return 0;
	if (type == MD_SPAN_A)
		close_link(m, detail);
	else if (type == MD_SPAN_IMG)
		close_image(m, detail);
	else
		put(m, type == MD_SPAN_EM       ? "</em>"
		       : type == MD_SPAN_STRONG ? "</strong>"
		       : type == MD_SPAN_CODE   ? "</code>"
		       : type == MD_SPAN_DEL    ? "</del>"
						: "");
	return m->out->len > m->limit;
}

static int
add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg)
{
	struct markdown *m = arg;
	struct buf plain = {0};

	if (type == MD_TEXT_BR)
		put(m, "<br>\n");
	else if (type == MD_TEXT_ENTITY)
		add_entity(&plain, text, size);
	else
		html_escape(m->out, text, size);
	html_escape(m->out, buf_text(&plain), plain.len);
	buf_free(&plain);
	return m->out->len > m->limit;
}

/* ---- all of it ------------------------------------------------------------------------------ */

void
html_markdown(struct buf *out, const char *text)
{
	static const MD_PARSER parser = {
	    .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS |
		     MD_FLAG_NOHTML,
	    .enter_block = enter_block,
	    .leave_block = leave_block,
	    .enter_span = enter_span,
	    .leave_span = leave_span,
	    .text = add_text,
	};
	char *clean = html_clean(text);
	size_t bytes = strlen(clean);
	struct buf html = {0};
	struct markdown m = {.out = &html, .limit = bytes * SWELL_MOST + SWELL_FREE};

	if (md_parse(clean, (MD_SIZE)bytes, &parser, &m) == 0) {
		buf_add(out, buf_text(&html), html.len);
	} else {
		buf_puts(out, "<pre>");
		html_escape(out, clean, bytes);
		buf_puts(out, "</pre>\n");
	}
	buf_free(&html);
	free(clean);
}
