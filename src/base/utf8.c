/*
 * UTF-8, as RFC 3629 has it: see utf8.h.
 */
#include "base/utf8.h"

/* What may follow a leading byte: how many bytes the character has, and the bounds of the second
 * one, which is where overlong forms, surrogates and the upper end show. */
struct form {
	unsigned char first, last; /* of the leading byte */
	unsigned char length, low, high;
};

static const struct form forms[] = {
    {0x00, 0x7f, 1, 0x00, 0x00},
    {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool
continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The length of the character that begins here; 0 if none does. */
static size_t
character(const unsigned char *at, size_t left)
{
	const struct form *form = forms;
	const struct form *end = forms + sizeof(forms) / sizeof(forms[0]);

	while (form < end && (at[0] < form->first || at[0] > form->last))
		form++;
	if (form == end || form->length > left)
		return 0;
	if (form->length > 1 && (at[1] < form->low || at[1] > form->high))
		return 0;
	for (size_t i = 2; i < form->length; i++)
		if (!continues(at[i]))
			return 0;
	return form->length;
}

size_t
utf8_valid(const char *text, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t good = 0;

	while (good < bytes) {
		size_t length = at[good] < 0x80 ? 1 : character(at + good, bytes - good);

		if (length == 0)
			break;
		good += length;
	}
	return good;
}

size_t
utf8_cut(const char *text, size_t bytes, size_t limit)
{
	size_t cut = limit;

	if (bytes <= limit)
		return bytes;
	while (cut > 0 && continues((unsigned char)text[cut]))
		cut--;
	return cut;
}
