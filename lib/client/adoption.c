/* SPDX-License-Identifier: Apache-2.0 */
#include "client/adoption.h"

#include <string.h>

#include "base/json_write.h"
#include "client/notes.h"
#include "client/storage.h"

#define DAY_S 86400
#define DAY_LAST (INT64_C(253402300799) / DAY_S) /* of the year 9999 */
#define AHEAD_MAX 7
#define SET_BACK_EVERY 30
#define TRY_AGAIN_MS 60000

/* Day 0 was a Thursday; weeks begin on Mondays. */
static int64_t week_of(int64_t day)
{
    return (day + 3) / 7;
}

static struct pti_adoption_mark *find(struct pti_adoption *adoption, const char *zone)
{
    for (size_t i = 0; i < adoption->count; i++)
        if (strcmp(adoption->marks[i].zone, zone) == 0)
            return &adoption->marks[i];
    return NULL;
}

int64_t pti_adoption_mark(const struct pti_adoption *adoption, const char *zone)
{
    for (size_t i = 0; i < adoption->count; i++)
        if (strcmp(adoption->marks[i].zone, zone) == 0)
            return adoption->marks[i].day;
    return -1;
}

/* In place of the oldest when the table is full: zones come and go. */
void pti_adoption_set(struct pti_adoption *adoption, const char *zone, int64_t day)
{
    struct pti_adoption_mark *mark = find(adoption, zone);

    if (mark == NULL && adoption->count < PTI_ADOPTION_MARKS_MAX) {
        mark = &adoption->marks[adoption->count++];
    } else if (mark == NULL) {
        mark = &adoption->marks[0];
        for (size_t i = 1; i < adoption->count; i++)
            if (adoption->marks[i].day < mark->day)
                mark = &adoption->marks[i];
    }
    (void)pti_copy_text(mark->zone, sizeof mark->zone, zone);
    mark->day = day;
}

unsigned pti_adoption_count(struct pti_adoption *adoption, const char *zone, int64_t day, bool confirmed, bool *changed)
{
    int64_t mark = pti_adoption_mark(adoption, zone);

    *changed = mark < day;
    if (mark < day) {
        pti_adoption_set(adoption, zone, day);
        return mark < 0 || week_of(mark) < week_of(day) ? PTI_ADOPTION_DAY | PTI_ADOPTION_WEEK : PTI_ADOPTION_DAY;
    }
    *changed = confirmed && mark > day + AHEAD_MAX && day >= adoption->set_back + SET_BACK_EVERY;
    if (*changed) { /* the clock was far ahead then */
        pti_adoption_set(adoption, zone, day);
        adoption->set_back = day;
    }
    return 0;
}

void pti_adoption_write(const struct pti_adoption *adoption, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "v", 1);
    pti_json_put_integer(&writer, "set_back", adoption->set_back);
    pti_json_begin_array(&writer, "marks");
    for (size_t i = 0; i < adoption->count; i++) {
        pti_json_begin_object(&writer, NULL);
        pti_json_put_text(&writer, "zone", adoption->marks[i].zone);
        pti_json_put_integer(&writer, "day", adoption->marks[i].day);
        pti_json_end_object(&writer);
    }
    pti_json_end_array(&writer);
    pti_json_end_object(&writer);
}

static enum pintle_status read_mark(const struct pti_json_value *value, struct pti_adoption *adoption,
                                    struct pti_error *error)
{
    char zone[PINTLE_ZONE_NAME_MAX + 1];
    struct pintle_bytes text;
    int64_t day;
    enum pintle_status status = pti_json_get_string(value, "zone", &text, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(value, "day", -1, DAY_LAST, &day, error);
    if (status != PINTLE_OK)
        return status;
    if (text.size > PINTLE_ZONE_NAME_MAX || memchr(text.data, '\0', text.size) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a zone of at most %d characters", PINTLE_ZONE_NAME_MAX);
    memcpy(zone, text.data, text.size);
    zone[text.size] = '\0';
    if (find(adoption, zone) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected each zone once, found \"%s\" twice", zone);
    pti_adoption_set(adoption, zone, day);
    return PINTLE_OK;
}

static enum pintle_status read_marks(const struct pti_json_value *root, struct pti_adoption *adoption,
                                     struct pti_error *error)
{
    const struct pti_json_value *marks;
    int64_t version;
    enum pintle_status status = pti_json_get_integer(root, "v", 1, 1, &version, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "set_back", 0, DAY_LAST, &adoption->set_back, error);
    if (status == PINTLE_OK)
        status = pti_json_get(root, "marks", PTI_JSON_ARRAY, &marks, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(marks) > PTI_ADOPTION_MARKS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d marks", PTI_ADOPTION_MARKS_MAX);
    for (const struct pti_json_value *mark = pti_json_first(marks); mark != NULL && status == PINTLE_OK;
         mark = pti_json_next(mark))
        status = read_mark(mark, adoption, error);
    return status;
}

enum pintle_status pti_adoption_parse(struct pintle_bytes text, struct pti_adoption *adoption, struct pti_error *error)
{
    struct pti_json *json;
    enum pintle_status status = pti_json_parse(text, &json, error);

    memset(adoption, 0, sizeof *adoption);
    if (status == PINTLE_OK)
        status = read_marks(pti_json_root(json), adoption, error);
    pti_json_free(json);
    if (status == PINTLE_OK)
        return PINTLE_OK;
    memset(adoption, 0, sizeof *adoption);
    return pti_error_prefix(error, "store: " PTI_STORE_ADOPTION), error->status;
}

/* ---- with the store ---- */

/* Under the store's lock.  What is damaged is told, and counts from here on. */
static enum pintle_status load(struct pintle_client *client, struct pti_adoption *adoption, struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    memset(adoption, 0, sizeof *adoption);
    pti_buf_init(&content, PTI_ADOPTION_SIZE_MAX);
    status = pti_notes_load(client, PTI_STORE_ADOPTION, &content, error);
    if (status == PINTLE_OK && content.size > 0)
        status = pti_adoption_parse(pti_buf_bytes(&content), adoption, error);
    pti_buf_clear(&content);
    if (status != PINTLE_ERR_INPUT)
        return status;
    pti_live_emit(client->live, PINTLE_EVENT_STORAGE, PINTLE_ERR_STORAGE, NULL, error->detail);
    pti_error_clear(error);
    return PINTLE_OK;
}

static enum pintle_status save(struct pintle_client *client, const struct pti_adoption *adoption,
                               struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    pti_buf_init(&content, PTI_ADOPTION_SIZE_MAX);
    pti_adoption_write(adoption, &content);
    status = pti_notes_save(client, PTI_STORE_ADOPTION, &content, error);
    pti_buf_clear(&content);
    return status;
}

/* A change of what the store holds, made under its lock. */
struct change {
    const char *zone;
    int64_t day;
    bool confirmed; /* count day; else set the mark to it */
    bool give_back;
    int64_t mark; /* as it was */
    unsigned flags;
};

static enum pintle_status apply(struct pintle_client *client, struct change *change, struct pti_adoption *adoption,
                                struct pti_error *error)
{
    bool changed = true;
    enum pintle_status status = pti_storage_lock(client, error);

    if (status != PINTLE_OK)
        return status;
    status = load(client, adoption, error);
    change->mark = pti_adoption_mark(adoption, change->zone);
    if (change->give_back)
        pti_adoption_set(adoption, change->zone, change->day);
    else
        change->flags = pti_adoption_count(adoption, change->zone, change->day, change->confirmed, &changed);
    if (status == PINTLE_OK && changed)
        status = save(client, adoption, error);
    pti_storage_unlock(client);
    if (status != PINTLE_OK)
        change->flags = 0;
    return status;
}

/* Is there something to do, and nobody at it?  Then it is ours; pintle_client_free() waits for it. */
static bool begin(struct pintle_client *client, const struct change *change)
{
    const struct pintle_clock *clock = &client->config->clock;
    struct pti_adoption seen;
    bool wanted = true;

    (void)pthread_mutex_lock(&client->state);
    seen = client->adoption;
    if (!change->give_back)
        (void)pti_adoption_count(&seen, change->zone, change->day, change->confirmed, &wanted);
    wanted = wanted && !client->adoption_busy && clock->monotonic_ms(clock->ctx) >= client->adoption_after_ms;
    if (wanted) {
        client->adoption_busy = true;
        client->long_calls++;
    }
    (void)pthread_mutex_unlock(&client->state);
    return wanted;
}

static void end(struct pintle_client *client, const struct pti_adoption *adoption, const struct pti_error *error)
{
    const struct pintle_clock *clock = &client->config->clock;
    bool untold;

    (void)pthread_mutex_lock(&client->state);
    untold = error->status != PINTLE_OK && !client->adoption_told;
    client->adoption_told = error->status != PINTLE_OK;
    if (error->status == PINTLE_OK)
        client->adoption = *adoption;
    else
        client->adoption_after_ms = clock->monotonic_ms(clock->ctx) + TRY_AGAIN_MS;
    (void)pthread_mutex_unlock(&client->state);
    if (untold)
        pti_live_emit(client->live, PINTLE_EVENT_STORAGE, error->status, NULL, error->detail);
    (void)pthread_mutex_lock(&client->state);
    client->adoption_busy = false;
    client->long_calls--;
    (void)pthread_cond_broadcast(&client->ended);
    (void)pthread_mutex_unlock(&client->state);
}

static void make(struct pintle_client *client, struct change *change)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_adoption adoption;

    if (!begin(client, change))
        return;
    (void)apply(client, change, &adoption, &error);
    end(client, &adoption, &error);
}

unsigned pti_adoption_take(struct pintle_client *client, const char *zone, int64_t *mark)
{
    struct change change = {.zone = zone, .day = pti_live_now(client->live) / DAY_S};

    if (client->config->uncounted || change.day < 0 || change.day > DAY_LAST)
        return 0;
    (void)pthread_mutex_lock(&client->state);
    change.confirmed = client->confirmed_at >= 0;
    (void)pthread_mutex_unlock(&client->state);
    make(client, &change);
    *mark = change.mark;
    return change.flags;
}

void pti_adoption_give_back(struct pintle_client *client, const char *zone, int64_t mark)
{
    struct change change = {.zone = zone, .day = mark, .give_back = true};

    make(client, &change);
}
