/*
 * The configuration file: found, parsed, and each key checked against the table of settings.
 *
 * Defaults are set first, by the same function that sets what the file says, so that a default
 * is checked like anything else.
 */
#include "config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/refuse.h"
#include "base/url.h"
#include "base/utf8.h"
#include "base/when.h"
#include "core/task.h"

enum { FILE_LIMIT = 1 << 20 };

enum type {
	TYPE_WORD,         /* text, not empty */
	TYPE_URL,          /* null, or see url.h */
	TYPE_COUNT,        /* a whole number */
	TYPE_LIMIT,        /* a whole number; 0 is no limit */
	TYPE_DURATION,     /* "45m", or 0 */
	TYPE_ON_INTERRUPT, /* one of its words */
	TYPE_ON_ASK,       /* likewise */
	TYPE_LAYOUT,       /* likewise */
	TYPE_VIEW,         /* likewise */
	TYPE_SESSIONS,     /* likewise */
	TYPE_FLAG,         /* true or false */
	TYPE_LATER,        /* nothing but its default, in this version */
};

struct setting {
	const char *key; /* dotted */
	enum type type;
	size_t offset;        /* of its field in struct config */
	const char *fallback; /* JSON */
	int64_t least, most;
};

static const struct setting settings[] = {
#define SETTING(key, type, field, fallback, least, most, help) \
	{key, TYPE_##type, offsetof(struct config, field), fallback, least, most},
#define LATER(key, fallback, help) {key, TYPE_LATER, 0, fallback, 0, 0},
#include "config/settings.def"
#undef SETTING
#undef LATER
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static const char agents_key[] = "agents"; /* the section whose keys are names */

/* The words of a choice, and the end of the list. */
static const char *const interrupt_words[] = {
    [ON_INTERRUPT_RESUME] = "resume",
    [ON_INTERRUPT_RESTART] = "restart",
    [ON_INTERRUPT_HOLD] = "hold",
    [ON_INTERRUPT_FAIL] = "fail",
    NULL,
};

static const char *const ask_words[] = {
    [ON_ASK_REJECT] = "reject",
    [ON_ASK_ONCE] = "once",
    [ON_ASK_HOLD] = "hold",
    NULL,
};

static const char *const session_words[] = {
    [TMUX_SESSIONS_TASKS] = "tasks",
    [TMUX_SESSIONS_CHILDREN] = "children",
    NULL,
};

const char *const config_tmux_layouts[] = {
    "main-horizontal", "main-vertical", "tiled", "even-horizontal", "even-vertical", NULL};

const char *const config_tmux_views[] = {
    [TMUX_VIEW_ATTACH] = "attach",
    [TMUX_VIEW_FOLLOW] = "follow",
    NULL,
};

struct reading {
	struct config *config;
	const char *path; /* of the file; named by every fault */
	struct fault *fault;
};

/* ---- faults ------------------------------------------------------------------------------- */

/* "FILE: KEY is VALUE; it must be ACCEPTED". */
static bool
refuse(struct reading *reading, const char *key, const struct json *value, const char *accepted)
{
	char *place = xasprintf("%s: %s", reading->path, key);

	refuse_json(reading->fault, FAULT_ENV, place, value, accepted);
	free(place);
	return false;
}

static bool
refuse_later(struct reading *reading, const char *key)
{
	return fault_set(reading->fault, FAULT_ENV,
	    "%s: %s is not supported by this version yet (remove it)", reading->path, key);
}

static const char *
last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

/* The key that may have been meant. */
struct guess {
	const char *key;
	size_t length, distance;
};

/* Offers the first `length` bytes of a key, if what was typed is near to those of `form`. */
static void
offer(struct guess *guess, const char *typed, const char *form, const char *key, size_t length)
{
	char *known = xstrndup(form, length - (size_t)(form - key));
	size_t distance;

	if (nearest_is_likely(typed, known, &distance) &&
	    (!guess->key || distance < guess->distance))
		*guess = (struct guess){.key = key, .length = length, .distance = distance};
	free(known);
}

/* By a whole name; by its last part, where somebody put it into the wrong section; by a section. */
static struct guess
guess_key(const char *typed)
{
	struct guess guess = {0};

	offer(&guess, typed, agents_key, agents_key, strlen(agents_key));
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const char *key = settings[i].key;

		offer(&guess, typed, key, key, strlen(key));
		offer(&guess, last_part(typed), last_part(key), key, strlen(key));
		offer(&guess, typed, key, key, strcspn(key, "."));
	}
	return guess;
}

/* The keys of the section that a key is in, each once; the sections, if there is no such section.
 * The caller frees. */
static char *
list_siblings(const char *typed)
{
	size_t prefix = (size_t)(last_part(typed) - typed), older = 0;
	const char *before = "";
	struct buf list = {0};

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const char *part = settings[i].key + prefix;

		if (strncmp(settings[i].key, typed, prefix) != 0)
			continue;
		size_t length = strcspn(part, ".");
		if (length != older || strncmp(part, before, length) != 0)
			buf_printf(&list, "%s%.*s", list.len ? ", " : "", (int)length, part);
		before = part;
		older = length;
	}
	if (prefix == 0)
		buf_printf(&list, ", %s", agents_key);
	return list.len ? buf_take(&list) : list_siblings("");
}

static bool
refuse_unknown(struct reading *reading, const char *typed)
{
	struct guess guess = guess_key(typed);

	if (guess.key)
		return fault_set(reading->fault, FAULT_ENV,
		    "%s: unknown key '%s' (did you mean '%.*s'?)", reading->path, typed,
		    (int)guess.length, guess.key);
	char *siblings = list_siblings(typed);
	fault_set(reading->fault, FAULT_ENV, "%s: unknown key '%s'; there are %s", reading->path,
	    typed, siblings);
	free(siblings);
	return false;
}

/* ---- one value ------------------------------------------------------------------------------ */

static void *
field(struct reading *reading, const struct setting *setting)
{
	return (char *)reading->config + setting->offset;
}

static void
replace_text(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static bool
set_word(struct reading *reading, const struct setting *setting, const struct json *value)
{
	const char *text = json_text(value, NULL);

	if (!text || !*text)
		return refuse(reading, setting->key, value, "a text that is not empty");
	replace_text(field(reading, setting), text);
	return true;
}

static bool
set_url(struct reading *reading, const struct setting *setting, const struct json *value)
{
	const char *text = json_text(value, NULL);
	enum url_form form = text ? url_form(text) : URL_BAD;

	if (form == URL_HAS_USER)
		return fault_set(reading->fault, FAULT_ENV,
		    "%s: %s has a user or a password in it: %s", reading->path, setting->key,
		    URL_PASSWORD_PLACE);
	if (form == URL_BAD && !json_is_null(value))
		return refuse(reading, setting->key, value, "null or " URL_ACCEPTED);
	replace_text(field(reading, setting), text);
	return true;
}

static bool
set_count(struct reading *reading, const struct setting *setting, const struct json *value)
{
	double number = json_number(value, NULL);
	int *out = field(reading, setting);

	if (json_is_number(value) && number >= (double)setting->least &&
	    number <= (double)setting->most && floor(number) >= number) {
		*out = (int)number;
		if (setting->type == TYPE_LIMIT && *out == 0)
			*out = INT_MAX;
		return true;
	}
	char accepted[100];
	snprintf(accepted, sizeof(accepted), "a whole number from %" PRId64 " to %" PRId64 "%s",
	    setting->least, setting->most, setting->type == TYPE_LIMIT ? " (0: no limit)" : "");
	return refuse(reading, setting->key, value, accepted);
}

static bool
set_duration(struct reading *reading, const struct setting *setting, const struct json *value)
{
	const char *text = json_text(value, NULL);
	bool is_zero = json_is_number(value) && json_number(value, NULL) == 0;
	struct fault ignored;
	int64_t ms = 0;

	if ((is_zero || (text && when_duration(text, &ms, &ignored))) && ms >= setting->least &&
	    ms <= setting->most) {
		*(int64_t *)field(reading, setting) = ms;
		return true;
	}
	char accepted[160], least[32], most[32];
	if (setting->least == 0)
		snprintf(accepted, sizeof(accepted), "a duration such as %s, or 0 for off",
		    "\"90s\", \"15m\" or \"8h\"");
	else
		snprintf(accepted, sizeof(accepted), "a duration from %s to %s, such as \"2s\"",
		    when_typed(setting->least, least), when_typed(setting->most, most));
	return refuse(reading, setting->key, value, accepted);
}

/* To one of the words; `accepted` lists them for a person. */
static bool
set_choice(struct reading *reading, const struct setting *setting, const struct json *value,
    const char *const *words, const char *accepted)
{
	const char *text = json_text(value, NULL);

	for (int i = 0; text && words[i]; i++)
		if (strcmp(text, words[i]) == 0) {
			*(int *)field(reading, setting) = i;
			return true;
		}
	return refuse(reading, setting->key, value, accepted);
}

static bool
set_on_interrupt(struct reading *reading, const struct setting *setting, const struct json *value)
{
	return set_choice(reading, setting, value, interrupt_words,
	    "\"resume\", \"restart\", \"hold\" or \"fail\"");
}

static bool
set_on_ask(struct reading *reading, const struct setting *setting, const struct json *value)
{
	return set_choice(reading, setting, value, ask_words, "\"reject\", \"once\" or \"hold\"");
}

static bool
set_layout(struct reading *reading, const struct setting *setting, const struct json *value)
{
	return set_choice(reading, setting, value, config_tmux_layouts,
	    "\"main-horizontal\", \"main-vertical\", \"tiled\", \"even-horizontal\" or "
	    "\"even-vertical\"");
}

static bool
set_view(struct reading *reading, const struct setting *setting, const struct json *value)
{
	return set_choice(reading, setting, value, config_tmux_views, "\"attach\" or \"follow\"");
}

static bool
set_sessions(struct reading *reading, const struct setting *setting, const struct json *value)
{
	return set_choice(reading, setting, value, session_words, "\"tasks\" or \"children\"");
}

static bool
set_flag(struct reading *reading, const struct setting *setting, const struct json *value)
{
	if (!json_is_bool(value))
		return refuse(reading, setting->key, value, "true or false");
	*(bool *)field(reading, setting) = json_true(value, NULL);
	return true;
}

static bool
check_later(struct reading *reading, const struct setting *setting, const struct json *value)
{
	char *text = json_print(value);
	bool same = strcmp(text, setting->fallback) == 0;

	free(text);
	return same || refuse_later(reading, setting->key);
}

static bool
set(struct reading *reading, const struct setting *setting, const struct json *value)
{
	static bool (*const setters[])(
	    struct reading *, const struct setting *, const struct json *) = {
	    [TYPE_WORD] = set_word,
	    [TYPE_URL] = set_url,
	    [TYPE_COUNT] = set_count,
	    [TYPE_LIMIT] = set_count,
	    [TYPE_DURATION] = set_duration,
	    [TYPE_ON_INTERRUPT] = set_on_interrupt,
	    [TYPE_ON_ASK] = set_on_ask,
	    [TYPE_LAYOUT] = set_layout,
	    [TYPE_VIEW] = set_view,
	    [TYPE_SESSIONS] = set_sessions,
	    [TYPE_FLAG] = set_flag,
	    [TYPE_LATER] = check_later,
	};

	return setters[setting->type](reading, setting, value);
}

static void
set_defaults(struct reading *reading)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const char *text = settings[i].fallback;
		struct json *value = json_parse(text, strlen(text), reading->fault);

		if (!value || !set(reading, &settings[i], value))
			die("a default is wrong: %s", reading->fault->text);
		json_free(value);
	}
}

/* JSON leaves open which of two values with one key counts. Agents' names are the same with and
 * without '@'. */
static bool
check_repeated(struct reading *reading, const char *prefix, const struct json *json)
{
	bool is_agents = strcmp(prefix, "agents.") == 0;

	for (const struct json *at = json_first(json); at; at = json_next(at))
		for (const struct json *older = json_first(json); older != at;
		     older = json_next(older)) {
			const char *a = json_key(at), *b = json_key(older);

			if (strcmp(a + (is_agents && *a == '@'), b + (is_agents && *b == '@')) == 0)
				return fault_set(reading->fault, FAULT_ENV,
				    "%s: the key '%s%s' is given twice", reading->path, prefix, a);
		}
	return true;
}

/* ---- agents --------------------------------------------------------------------------------- */

static struct config_agent *
agent_named(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->agent_count; i++)
		if (strcmp(config->agents[i].name, name) == 0)
			return &config->agents[i];
	config->agents =
	    xrealloc(config->agents, (config->agent_count + 1) * sizeof(config->agents[0]));
	struct config_agent *agent = &config->agents[config->agent_count++];
	*agent = (struct config_agent){.name = xstrdup(name)};
	return agent;
}

static bool
set_agent_text(
    struct reading *reading, const char *key, const struct json *value, bool is_model, char **out)
{
	const char *text = json_text(value, NULL);

	if (text && is_model && strchr(text, ','))
		return fault_set(reading->fault, FAULT_ENV,
		    "%s: %s: a list of models is not supported by this version yet", reading->path,
		    key);
	if (!json_is_null(value) && (!text || !*text || (is_model && !config_is_model(text))))
		return refuse(reading, key, value,
		    is_model ? "null or \"PROVIDER/MODEL\"" : "null or a text that is not empty");
	replace_text(out, text);
	return true;
}

static bool
set_agent_key(
    struct reading *reading, struct config_agent *agent, const struct json *value, const char *key)
{
	static const char *const known[] = {"model", "variant", "models"};
	struct nearest nearest = {.word = json_key(value)};

	if (strcmp(json_key(value), "model") == 0)
		return set_agent_text(reading, key, value, true, &agent->model);
	if (strcmp(json_key(value), "variant") == 0)
		return set_agent_text(reading, key, value, false, &agent->variant);
	if (strcmp(json_key(value), "models") == 0)
		return (json_is_array(value) && !json_first(value)) || json_is_null(value) ||
		       refuse_later(reading, key);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		nearest_offer(&nearest, known[i]);
	if (nearest.best)
		return fault_set(reading->fault, FAULT_ENV,
		    "%s: unknown key '%s' (did you mean '%s'?)", reading->path, key, nearest.best);
	return fault_set(reading->fault, FAULT_ENV,
	    "%s: unknown key '%s'; there are model, variant, models", reading->path, key);
}

static bool
read_agent_keys(struct reading *reading, struct config_agent *agent, const struct json *json)
{
	char *prefix = xasprintf("agents.%s.", agent->name);
	bool good = check_repeated(reading, prefix, json);

	for (const struct json *at = json_first(json); at && good; at = json_next(at)) {
		char *key = xasprintf("%s%s", prefix, json_key(at));

		good = set_agent_key(reading, agent, at, key);
		free(key);
	}
	free(prefix);
	return good;
}

static bool
read_agent(struct reading *reading, const struct json *json)
{
	const char *name = json_key(json);

	name += *name == '@';
	if (!*name)
		return fault_set(
		    reading->fault, FAULT_ENV, "%s: agents: a name is empty", reading->path);
	if (!json_is_object(json)) {
		char *key = xasprintf("agents.%s", name);

		refuse(reading, key, json, "an object like {\"model\": \"PROVIDER/MODEL\"}");
		free(key);
		return false;
	}
	return read_agent_keys(reading, agent_named(reading->config, name), json);
}

static bool
read_agents(struct reading *reading, const struct json *json)
{
	bool good = true;

	if (!json_is_object(json))
		return refuse(reading, "agents", json, "an object, by agents' names");
	if (!check_repeated(reading, "agents.", json))
		return false;
	for (const struct json *at = json_first(json); at && good; at = json_next(at))
		good = read_agent(reading, at);
	return good;
}

/* ---- the file ---------------------------------------------------------------------------- */

static const struct setting *
find_setting(const char *key)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

static bool
is_section(const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strncmp(settings[i].key, key, length) == 0 && settings[i].key[length] == '.')
			return true;
	return false;
}

static bool read_section(struct reading *, const char *prefix, const struct json *);

static bool
read_key(struct reading *reading, const char *key, const struct json *value)
{
	const struct setting *setting = find_setting(key);

	if (setting)
		return set(reading, setting, value);
	if (strcmp(key, agents_key) == 0)
		return read_agents(reading, value);
	if (!is_section(key))
		return refuse_unknown(reading, key);
	if (!json_is_object(value))
		return refuse(reading, key, value, "an object");
	char *prefix = xasprintf("%s.", key);
	bool good = read_section(reading, prefix, value);
	free(prefix);
	return good;
}

/* Sections are one level deep: a key with a dot in it cannot pass for one of another section. */
static bool
read_section(struct reading *reading, const char *prefix, const struct json *json)
{
	bool good = check_repeated(reading, prefix, json);

	for (const struct json *at = json_first(json); at && good; at = json_next(at)) {
		char *key = xasprintf("%s%s", prefix, json_key(at));

		good = strchr(json_key(at), '.') ? refuse_unknown(reading, key)
						 : read_key(reading, key, at);
		free(key);
	}
	return good;
}

static size_t
line_at(const char *text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* People look for lines; the sentence of the JSON reader has the byte, as its first number. */
static size_t
broken_line(const char *text, size_t bytes, const char *sentence)
{
	const char *digits = sentence + strcspn(sentence, "0123456789");
	size_t offset = (size_t)strtoull(digits, NULL, 10);

	return line_at(text, offset < bytes ? offset : bytes);
}

/* The comma that nothing but the end of its object or array follows; NULL if there is none. */
static const char *
trailing_comma(const char *text)
{
	const char *comma = NULL;
	bool is_string = false;

	for (; *text; text++) {
		if (is_string) {
			is_string = *text != '"';
			text += *text == '\\' && text[1];
		} else if (comma && (*text == '}' || *text == ']')) {
			return comma;
		} else if (!strchr(" \t\r\n", *text)) {
			is_string = *text == '"';
			comma = *text == ',' ? text : NULL;
		}
	}
	return NULL;
}

/* What people take over from JavaScript has a sentence of its own. */
static bool
refuse_broken(struct reading *reading, const struct buf *text, const char *sentence)
{
	const char *comma = trailing_comma(buf_text(text));

	if (comma)
		return fault_set(reading->fault, FAULT_ENV,
		    "%s: line %zu: JSON has no comma after the last value: remove it",
		    reading->path, line_at(buf_text(text), (size_t)(comma - buf_text(text))));
	return fault_set(reading->fault, FAULT_ENV, "%s: line %zu: %s", reading->path,
	    broken_line(buf_text(text), text->len, sentence), sentence);
}

static bool
read_text(struct reading *reading, struct buf *text)
{
	size_t valid = utf8_valid(buf_text(text), text->len);

	if (valid < text->len || strlen(buf_text(text)) < text->len)
		return fault_set(reading->fault, FAULT_ENV, "%s: line %zu is not UTF-8 text",
		    reading->path,
		    line_at(buf_text(text), valid < text->len ? valid : strlen(buf_text(text))));
	if (text->len)
		json_strip_comments(text->data);
	struct fault broken;
	struct json *json = json_parse(buf_text(text), text->len, &broken);
	if (!json)
		return refuse_broken(reading, text, broken.text);
	bool good = json_is_object(json)
			? read_section(reading, "", json)
			: fault_set(reading->fault, FAULT_ENV,
			      "%s: a configuration is one JSON object", reading->path);
	json_free(json);
	return good;
}

static bool
read_file(struct reading *reading)
{
	struct buf text = {0};
	struct fault unread;
	bool good;

	if (file_read(reading->path, FILE_LIMIT, &text, &unread))
		good = read_text(reading, &text);
	else
		good = fault_set(reading->fault, FAULT_ENV, "configuration: %s", unread.text);
	buf_free(&text);
	return good;
}

/* Where the file is if nobody named one; NULL where there is none. The caller frees. */
static char *
default_path(void)
{
	char *path = environment_file("XDG_CONFIG_HOME", ".config", "vigil/config.json");

	if (!path || access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return path;
	free(path);
	return NULL;
}

struct config *
config_load(const char *path, struct fault *fault)
{
	struct config *config = xcalloc(1, sizeof(*config));
	struct reading reading = {.config = config, .path = "defaults", .fault = fault};

	set_defaults(&reading);
	if (!path)
		path = environment_get("VIGIL_CONFIG");
	config->path = path ? xstrdup(path) : default_path();
	if (!config->path)
		return config;
	reading.path = config->path;
	if (read_file(&reading))
		return config;
	config_free(config);
	return NULL;
}

void
config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->agent_count; i++) {
		free(config->agents[i].name);
		free(config->agents[i].model);
		free(config->agents[i].variant);
	}
	free(config->agents);
	free(config->path);
	free(config->server_url);
	free(config->server_username);
	free(config->server_password_env);
	free(config->server_command);
	free(config);
}

const struct config_agent *
config_agent(const struct config *config, const char *name)
{
	if (!name)
		return NULL;
	name += *name == '@';
	for (size_t i = 0; i < config->agent_count; i++)
		if (strcmp(config->agents[i].name, name) == 0)
			return &config->agents[i];
	return NULL;
}

bool
config_is_model(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash > text && slash[1] && !strpbrk(text, ", \t\r\n");
}
