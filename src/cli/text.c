/*
 * Text made safe to show, and how wide it is: see text.h.
 */
#define _XOPEN_SOURCE 700 /* wcwidth() */

#include "cli/text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/utf8.h"

#define NO_CHARACTER UINT32_MAX
#define REPLACEMENT "\xef\xbf\xbd"

enum { MARKS_MOST = 4 };

/* The character that begins at `text`, which is not at its end, and its length in bytes. */
static uint32_t
decode(const char *text, size_t *length)
{
	unsigned char first = (unsigned char)*text;
	size_t count = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t point = first & (0xffu >> (count + (count > 1)));

	*length = 1;
	if (count == 1)
		return first;
	if (strnlen(text, count) < count || utf8_valid(text, count) < count)
		return NO_CHARACTER;
	*length = count;
	for (size_t i = 1; i < count; i++)
		point = point << 6 | ((unsigned char)text[i] & 0x3f);
	return point;
}

static bool
is_between(uint32_t point, uint32_t first, uint32_t last)
{
	return point >= first && point <= last;
}

/* Characters beyond ASCII that act on what surrounds them, or hide in it. */
static const struct {
	uint32_t first, last;
} treacherous[] = {
    {0x80, 0x9f},     /* control characters of a second kind; U+009B begins a sequence */
    {0xad, 0xad},     /* a hyphen that shows at the end of a line alone */
    {0x61c, 0x61c},   /* this and the next turn the direction of writing */
    {0x180e, 0x180e}, /* not to be seen */
    {0x200b, 0x200b}, /* not to be seen; the two after it join letters and emoji, and stay */
    {0x200e, 0x200f}, {0x2028, 0x202e}, /* ends of lines and paragraphs; directions */
    {0x2060, 0x206f},                   /* not to be seen; directions */
    {0x3164, 0x3164},                   /* a letter that is not to be seen */
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, /* not to be seen */
    {0xfff9, 0xfffb},                   /* annotations, which may be left out */
    {0xe0000, 0xe007f},                 /* tags: ASCII that is not to be seen */
};

static bool
is_treacherous(uint32_t point)
{
	for (size_t i = 0; i < sizeof(treacherous) / sizeof(treacherous[0]); i++)
		if (is_between(point, treacherous[i].first, treacherous[i].last))
			return true;
	return false;
}

static void
add_escape(struct buf *out, uint32_t point)
{
	if (point > 0xffff) {
		buf_printf(out, "\\u%04x", (unsigned)(0xd800 + ((point - 0x10000) >> 10)));
		point = 0xdc00 + ((point - 0x10000) & 0x3ff);
	}
	buf_printf(out, "\\u%04x", (unsigned)point);
}

static void
add_ascii(struct buf *out, char c, enum text_form form)
{
	bool is_space = c == '\n' || c == '\t';
	bool is_control = (unsigned char)c < ' ' || c == 0x7f;

	if (form == TEXT_UTF8 || !is_control || (form == TEXT_BLOCK && is_space))
		buf_add(out, &c, 1);
	else if (form == TEXT_JSON) /* JSON itself has escapes for the others */
		add_escape(out, (unsigned char)c);
	else if (form == TEXT_LINE && (is_space || c == '\r'))
		buf_puts(out, " ");
	else
		buf_printf(out, "^%c", c ^ 0x40);
}

static void
add_treacherous(struct buf *out, uint32_t point, enum text_form form)
{
	if (form == TEXT_JSON)
		add_escape(out, point);
	else
		buf_printf(out, "<U+%04X>", (unsigned)point);
}

/* ---- width -------------------------------------------------------------------------------- */

/* The C library's table, whatever the locale of the environment: the text is UTF-8, and terminals
 * keep to the same one, near enough. What has no width there is not assigned yet. */
static size_t
character_width(uint32_t point)
{
	static locale_t unicode;
	int width = -1;

	if (point >= 0x20 && point < 0x7f)
		return 1;
	if (!unicode)
		unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (unicode && point != NO_CHARACTER) {
		locale_t before = uselocale(unicode);
		width = wcwidth((wchar_t)point);
		uselocale(before);
	}
	return width < 0 ? 1 : (size_t)width;
}

/* ---- forms -------------------------------------------------------------------------------- */

/* Of marks above and below a letter: a heap of them would reach over the lines around. */
static bool
is_heaped(uint32_t point, enum text_form form, size_t *marks)
{
	if (form != TEXT_LINE)
		return false;
	*marks = character_width(point) == 0 ? *marks + 1 : 0;
	return *marks > MARKS_MOST;
}

/* How many bytes from here on are the same in all forms: most of them, of a text of megabytes. */
static size_t
plain_span(const char *text)
{
	size_t span = 0;

	while (text[span] >= ' ' && text[span] < 0x7f)
		span++;
	return span;
}

char *
text_form(const char *text, enum text_form form)
{
	struct buf out = {0};
	size_t length, marks = 0;

	for (; text && *text; text += length) {
		length = plain_span(text);
		if (length > 0) {
			buf_add(&out, text, length);
			marks = 0;
			continue;
		}
		uint32_t point = decode(text, &length);
		bool is_left_out = is_heaped(point, form, &marks);

		if (point == NO_CHARACTER)
			buf_puts(&out, REPLACEMENT);
		else if (point < 0x80)
			add_ascii(&out, *text, form);
		else if (form != TEXT_UTF8 && is_treacherous(point))
			add_treacherous(&out, point, form);
		else if (!is_left_out)
			buf_add(&out, text, length);
	}
	return buf_take(&out);
}

size_t
text_width(const char *text)
{
	size_t columns = 0, length;

	for (; *text; text += length)
		columns += character_width(decode(text, &length));
	return columns;
}

size_t
text_fit(const char *text, size_t columns)
{
	size_t used = 0, at = 0, length;

	for (; text[at]; at += length) {
		used += character_width(decode(text + at, &length));
		if (used > columns)
			break;
	}
	return at;
}

char *
text_cut(const char *text, size_t columns, const char *ellipsis)
{
	size_t room = text_width(ellipsis);

	if (text_width(text) <= columns)
		return xstrdup(text);
	if (room > columns) { /* a terminal of a few columns */
		ellipsis = "";
		room = 0;
	}
	size_t bytes = text_fit(text, columns - room);
	while (bytes > 0 && text[bytes - 1] == ' ')
		bytes--;
	return xasprintf("%.*s%s", (int)bytes, text, ellipsis);
}

/* ---- a terminal without UTF-8 -------------------------------------------------------------- */

bool
text_locale_is_utf8(void)
{
	static enum { UNKNOWN, NO, YES } answer;

	if (answer == UNKNOWN) {
		locale_t own = newlocale(LC_CTYPE_MASK, "", NULL);
		answer = own && strcmp(nl_langinfo_l(CODESET, own), "UTF-8") == 0 ? YES : NO;
		if (own)
			freelocale(own);
	}
	return answer == YES;
}

/* What agents write most, and what vigil's own sentences have; all else becomes '?'. */
static const char *
ascii_of(uint32_t point)
{
	static const struct {
		uint32_t point;
		const char *ascii;
	} likenesses[] = {{0xa0, " "}, {0xb7, "*"}, {0xd7, "x"}, {0x2010, "-"}, {0x2011, "-"},
	    {0x2013, "-"}, {0x2014, "-"}, {0x2018, "'"}, {0x2019, "'"}, {0x201c, "\""},
	    {0x201d, "\""}, {0x2022, "*"}, {0x2026, "..."}, {0x2190, "<-"}, {0x2192, "->"},
	    {0x2212, "-"}, {0x2713, "v"}, {0x2717, "x"}};

	for (size_t i = 0; i < sizeof(likenesses) / sizeof(likenesses[0]); i++)
		if (likenesses[i].point == point)
			return likenesses[i].ascii;
	return character_width(point) == 0 ? "" : "?";
}

char *
text_ascii(const char *text)
{
	struct buf out = {0};
	size_t length;

	for (; *text; text += length) {
		uint32_t point = decode(text, &length);

		if (point < 0x80)
			buf_add(&out, text, 1);
		else
			buf_puts(&out, ascii_of(point));
	}
	return buf_take(&out);
}
