/*
 * Text made safe to show, and how wide it is: see text.h.
 */
#include "cli/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#define NO_CHARACTER UINT32_MAX
#define REPLACEMENT "\xef\xbf\xbd"

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
    {0x80, 0x9f},   /* control characters of a second kind; U+009B begins a sequence */
    {0xad, 0xad},   /* a hyphen that shows at the end of a line alone */
    {0x61c, 0x61c}, /* this and the next turn the direction of writing */
    {0x200e, 0x200f}, {0x2028, 0x202e}, /* ends of lines and paragraphs; directions */
    {0x2060, 0x206f},                   /* not to be seen; directions */
    {0xfeff, 0xfeff},                   /* not to be seen */
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

char *
text_form(const char *text, enum text_form form)
{
	struct buf out = {0};
	size_t length;

	for (; text && *text; text += length) {
		uint32_t point = decode(text, &length);

		if (point == NO_CHARACTER)
			buf_puts(&out, REPLACEMENT);
		else if (point < 0x80)
			add_ascii(&out, *text, form);
		else if (form != TEXT_UTF8 && is_treacherous(point))
			add_treacherous(&out, point, form);
		else
			buf_add(&out, text, length);
	}
	return buf_take(&out);
}

/* Near enough for tables; a terminal's own tables differ from one another. */
static size_t
character_width(uint32_t point)
{
	if (is_between(point, 0x300, 0x36f) || is_between(point, 0x200b, 0x200d) ||
	    is_between(point, 0xfe00, 0xfe0f))
		return 0;
	if (is_between(point, 0x1100, 0x115f) || is_between(point, 0x2e80, 0xa4cf) ||
	    is_between(point, 0xac00, 0xd7a3) || is_between(point, 0xf900, 0xfaff) ||
	    is_between(point, 0xfe30, 0xfe6f) || is_between(point, 0xff00, 0xff60) ||
	    is_between(point, 0xffe0, 0xffe6) || is_between(point, 0x1f300, 0x1faff) ||
	    is_between(point, 0x20000, 0x3fffd))
		return 2;
	return 1;
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
