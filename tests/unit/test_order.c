/*
 * A transcript's order, from what a server lists: a word a message, "a>o" one that answers "o".
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "opencode/reply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *listed, *ordered;
} orders[] = {
    {"", ""},
    {"o", "o"},
    {"o a>o b>o", "o a b"},
    {"o a>o p b>p c>p", "o a p b c"},
    {"o p a>o b>o c>p d>p e>o", "o p a b c d e"},

    /* The clock was set back before the first step, after one, or twice. */
    {"a>o o", "o a"},
    {"a>o b>o o", "o a b"},
    {"b>o c>o o a>o", "o a b c"},
    {"b>o c>o d>o o a>o e>o", "o a e b c d"},

    /* In a turn that a person steers: what answers neither stays where it is. */
    {"c>p o a>o p b>p", "o a p b c"},
    {"b>o c>p o a>o p", "o a b p c"},
    {"b>o o p a>o", "o p a b"},
    {"x y>x b>o o a>o p q>p", "x y o a b p q"},
    {"b>o c>p o a>o q r>q p", "o a b q r p c"},

    /* A parent that is not there, or that answers itself, is none. */
    {"a>gone o b>o", "a o b"},
    {"a>a o b>o", "a o b"},
};

static void
read_words(const char *words, struct messages *all)
{
	char *copy = xstrdup(words), *state = NULL;

	*all = (struct messages){.all = xcalloc(strlen(words) + 1, sizeof(*all->all))};
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
		struct message *m = &all->all[all->count++];
		char *parent = strchr(word, '>');

		m->from_user = !parent;
		m->parent_id = parent ? xstrdup(parent + 1) : NULL;
		m->id = xstrndup(word, parent ? (size_t)(parent - word) : strlen(word));
	}
	free(copy);
}

START_TEST(answers_stand_behind_what_they_answer)
{
	struct messages all;
	struct buf ids = {0};

	read_words(orders[_i].listed, &all);
	messages_put_in_order(&all);
	for (size_t i = 0; i < all.count; i++)
		buf_printf(&ids, "%s%s", i ? " " : "", all.all[i].id);
	ck_assert_str_eq(buf_text(&ids), orders[_i].ordered);
	buf_free(&ids);
	messages_fini(&all);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("order");
	TCase *tests = tcase_create("order");

	tcase_add_loop_test(tests, answers_stand_behind_what_they_answer, 0, (int)COUNT(orders));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
