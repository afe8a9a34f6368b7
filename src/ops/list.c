/*
 * Many tasks, by what people remember of them: newest first, or sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "ops/handle.h"
#include "ops/row.h"

static bool
refuse_status(const char *word, struct fault *fault)
{
	struct buf all = {0};

	for (int i = 0; i < STATUS_COUNT; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", status_text((enum status)i));
	fault_set(fault, FAULT_USAGE, "'%s' is not a status; there are %s", word, buf_text(&all));
	buf_free(&all);
	return false;
}

static bool
check_status(const char *word, struct fault *fault)
{
	struct nearest nearest = {.word = word};
	enum status ignored;

	if (status_parse(word, &ignored))
		return true;
	for (int i = 0; i < STATUS_COUNT; i++)
		nearest_offer(&nearest, status_text((enum status)i));
	if (nearest.best)
		return fault_set(fault, FAULT_USAGE, "'%s' is not a status (did you mean '%s'?)",
		    word, nearest.best);
	return refuse_status(word, fault);
}

/* "a,b" to ["a","b"]. The caller frees *out. */
static bool
parse_statuses(const char *text, char **out, struct fault *fault)
{
	struct buf words = {0};
	bool good = true;

	*out = NULL;
	if (!text)
		return true;
	for (const char *at = text; at && good; at = strchr(at, ',')) {
		at += at > text; /* past the comma */
		char *word = xstrndup(at, strcspn(at, ","));

		good = check_status(word, fault);
		buf_printf(&words, "%s\"%s\"", words.len ? "," : "[", word);
		free(word);
	}
	buf_puts(&words, "]");
	*out = buf_take(&words);
	return good;
}

static bool
check_grep(const char *text, struct fault *fault)
{
	size_t bytes = text ? strlen(text) : 0;

	if (text && utf8_valid(text, bytes) < bytes)
		return fault_set(fault, FAULT_USAGE, "the text to look for is not UTF-8");
	return true;
}

static bool
check_limit(int64_t limit, struct fault *fault)
{
	return limit >= 0 || fault_set(fault, FAULT_USAGE, "a limit of %lld tasks is not possible",
				 (long long)limit);
}

/* ---- which tasks -------------------------------------------------------------------------- */

/* What is read before anything is asked: all of it can be mistaken. */
struct request {
	char *statuses; /* as JSON; NULL: all */
	struct value since;
	const char *grep;
	struct choices columns, sort; /* sort.count 0: newest first */
	int64_t limit;                /* INT64_MAX: none */
};

static bool
parse_request(const struct vigil_filter *filter, struct request *request, struct fault *fault)
{
	*request = (struct request){
	    .grep = filter->grep, .limit = filter->limit ? filter->limit : INT64_MAX};
	if (!parse_statuses(filter->statuses, &request->statuses, fault) ||
	    !handle_since(filter->since, &request->since, fault) ||
	    !check_grep(filter->grep, fault) || !check_limit(filter->limit, fault) ||
	    !choices_parse(&request->columns, filter->columns, false, fault))
		return false;
	return !filter->sort || choices_parse(&request->sort, filter->sort, true, fault);
}

typedef bool id_fn(void *arg, int64_t id);

struct walk {
	struct vigil *vigil;
	const struct request *request;
	id_fn *fn;
	void *arg;
	int64_t least; /* the smallest id that is not too old; 0: not asked for yet */
	bool failed;
};

/* Below one that is too old, as a rule, is none that is not. */
static bool
take_id(void *arg, const struct row *row)
{
	struct walk *walk = arg;

	if (row_int(row, 1))
		return walk->fn(walk->arg, row_int(row, 0));
	if (!walk->least)
		walk->failed = !store_int(walk->vigil->store, Q_list_least, &walk->request->since,
		    1, 0, &walk->least, &walk->vigil->fault);
	return !walk->failed && row_int(row, 0) > walk->least;
}

/* Calls with each id, newest first; false ends it, which is no failure. */
static bool
each_id(struct vigil *vigil, const struct request *request, id_fn *fn, void *arg)
{
	struct value values[] = {
	    request->since, value_text(request->grep), value_text(request->statuses)};
	struct walk walk = {.vigil = vigil, .request = request, .fn = fn, .arg = arg};
	enum query query = request->statuses ? Q_list_ids_by_status : Q_list_ids;
	size_t count = request->statuses ? 3 : 2;

	return store_run(vigil->store, query, values, count, take_id, &walk, &vigil->fault) &&
	       !walk.failed;
}

/* ---- newest first ------------------------------------------------------------------------- */

struct listing {
	struct task_reader reader;
	vigil_row_fn *fn;
	void *arg;
	int64_t left; /* so many more */
	bool failed;
};

/* False: enough, or a fault. */
static bool
list_one(void *arg, int64_t id)
{
	struct listing *listing = arg;
	bool more;

	listing->failed = !task_read(&listing->reader, id, listing->fn, listing->arg, &more);
	return !listing->failed && more && --listing->left > 0;
}

/* ---- sorted ------------------------------------------------------------------------------- */

/* Of each task its id and what it is sorted by alone: there can be a million. */
struct key {
	char *text; /* NULL: empty */
	double number;
};

struct found {
	int64_t id;
	struct key *keys;
};

struct sorting {
	struct task_reader reader;
	const struct choices *sort;
	struct found *all;
	size_t count, capacity;
	bool failed;
};

/* qsort() hands nothing through, and a handle belongs to one thread. */
static _Thread_local const struct choices *sort_by;

static bool
is_numeric(enum column_id column)
{
	enum vigil_kind kind = vigil_columns()[column].kind;

	return kind == VIGIL_NUMBER || kind == VIGIL_SECONDS;
}

/* Numbers by their size, texts by their bytes; what is empty comes last, in either direction. */
static int
compare_keys(const struct key *a, const struct key *b, const struct choice *by)
{
	int order;

	if (!a->text || !b->text)
		return (a->text == NULL) - (b->text == NULL);
	if (is_numeric(by->column))
		order = (a->number > b->number) - (a->number < b->number);
	else
		order = strcmp(a->text, b->text);
	return by->is_descending ? -order : order;
}

/* The same in all of them: the newer one first. */
static int
compare_found(const void *left, const void *right)
{
	const struct found *a = left, *b = right;

	for (size_t i = 0; i < sort_by->count; i++) {
		int order = compare_keys(&a->keys[i], &b->keys[i], &sort_by->all[i]);
		if (order)
			return order;
	}
	return (a->id < b->id) - (a->id > b->id);
}

static bool
take_keys(void *arg, const struct vigil_row *row)
{
	struct found *found = arg;

	for (size_t i = 0; i < row->count; i++) {
		found->keys[i].text = xstrdup(row->values[i]);
		if (row->values[i] && row->is_number[i])
			found->keys[i].number = strtod(row->values[i], NULL);
	}
	return true;
}

static bool
remember_found(void *arg, int64_t id)
{
	struct sorting *sorting = arg;
	bool more;

	if (sorting->count == sorting->capacity) {
		sorting->capacity = sorting->capacity ? sorting->capacity * 2 : 256;
		sorting->all = xrealloc(sorting->all, sorting->capacity * sizeof(sorting->all[0]));
	}
	struct found *found = &sorting->all[sorting->count++];
	*found = (struct found){
	    .id = id,
	    .keys = xcalloc(sorting->sort->count, sizeof(*found->keys)),
	};
	sorting->failed = !task_read(&sorting->reader, id, take_keys, found, &more);
	return !sorting->failed;
}

static void
free_sorting(struct sorting *sorting)
{
	for (size_t i = 0; i < sorting->count; i++) {
		for (size_t k = 0; k < sorting->sort->count; k++)
			free(sorting->all[i].keys[k].text);
		free(sorting->all[i].keys);
	}
	free(sorting->all);
	task_reader_free(&sorting->reader);
}

/* One that was deleted meanwhile is passed over. */
static bool
list_sorted(struct vigil *vigil, const struct request *request, struct listing *listing)
{
	enum { KEY_CHARACTERS = 100 };
	struct sorting sorting = {.sort = &request->sort};

	task_reader_init(&sorting.reader, vigil, &request->sort, KEY_CHARACTERS);
	bool done = each_id(vigil, request, remember_found, &sorting) && !sorting.failed;
	sort_by = &request->sort;
	if (done && sorting.count)
		qsort(sorting.all, sorting.count, sizeof(sorting.all[0]), compare_found);
	for (size_t i = 0; done && i < sorting.count; i++)
		if (!list_one(listing, sorting.all[i].id))
			break;
	free_sorting(&sorting);
	return done && !listing->failed;
}

/* ---- both --------------------------------------------------------------------------------- */

enum vigil_result
vigil_list(struct vigil *vigil, const struct vigil_filter *filter, vigil_row_fn *fn, void *arg)
{
	const struct vigil_filter all = {0};
	struct request request;

	filter = filter ? filter : &all;
	bool done = parse_request(filter, &request, &vigil->fault);
	struct listing listing = {.fn = fn, .arg = arg, .left = request.limit};
	task_reader_init(&listing.reader, vigil, &request.columns, filter->characters);
	if (done && request.sort.count)
		done = list_sorted(vigil, &request, &listing);
	else if (done)
		done = each_id(vigil, &request, list_one, &listing) && !listing.failed;
	task_reader_free(&listing.reader);
	free(request.statuses);
	return done ? VIGIL_OK : handle_result(vigil);
}
