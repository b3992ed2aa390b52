/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conversation.c - the user at the keyboard, with answers given beforehand.
 *
 * Prompts are printed as they come and answered in order; it refuses to
 * choose an answer by its prompt, which is scripts.py's to compare.
 */
#include "conversation.h"

#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWERS_MAX 32

enum answer_kind { ANSWER_TEXT, ANSWER_CANCEL, ANSWER_NONE };

struct answer {
    enum answer_kind kind;
    int delay_ms;
    struct veiled text;
};

static struct answer answers[ANSWERS_MAX];
static size_t answer_count, answers_used;
static int64_t entered_at;

int64_t
clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
sleep_ms(int ms)
{
    struct timespec rest = { ms / 1000, (long)(ms % 1000) * 1000000 };

    while (nanosleep(&rest, &rest) != 0) {
    }
}

bool
conversation_answer(const char *delay, const char *value)
{
    struct answer *answer = &answers[answer_count];

    if (answer_count == ANSWERS_MAX)
        return false;
    answer_count++;
    answer->delay_ms = atoi(delay);
    if (strcmp(value, "cancel") == 0)
        answer->kind = ANSWER_CANCEL;
    else if (strcmp(value, "none") == 0)
        answer->kind = ANSWER_NONE;
    else
        answer->text = bytes_veil(value);
    return true;
}

void
conversation_forget(void)
{
    for (size_t i = 0; i < answer_count; i++)
        free(answers[i].text.bytes);
    memset(answers, 0, sizeof(answers));
    answer_count = answers_used = 0;
}

void
conversation_begin(void)
{
    entered_at = 0;
}

int64_t
conversation_entered_at(void)
{
    return entered_at;
}

static int
answer_prompt(struct pam_response *response)
{
    const struct answer *answer;

    if (answers_used == answer_count) {
        puts("prompt unanswered -");
        return PAM_CONV_ERR;
    }
    answer = &answers[answers_used++];
    sleep_ms(answer->delay_ms);
    if (answer->kind == ANSWER_TEXT)
        response->resp = bytes_unveil(&answer->text);
    entered_at = clock_ns();
    return answer->kind == ANSWER_CANCEL ? PAM_CONV_ERR : PAM_SUCCESS;
}

int
conversation_hold(int count, const struct pam_message **messages,
                  struct pam_response **responses, void *data)
{
    struct pam_response *made = calloc((size_t)count, sizeof(*made));
    int result = PAM_SUCCESS;

    (void)data;
    if (made == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count && result == PAM_SUCCESS; i++) {
        switch (messages[i]->msg_style) {
        case PAM_PROMPT_ECHO_OFF:
            bytes_print("prompt hidden", messages[i]->msg);
            result = answer_prompt(&made[i]);
            break;
        case PAM_PROMPT_ECHO_ON:
            bytes_print("prompt shown", messages[i]->msg);
            result = answer_prompt(&made[i]);
            break;
        case PAM_ERROR_MSG:
            bytes_print("prompt error", messages[i]->msg);
            break;
        default:
            bytes_print("prompt info", messages[i]->msg);
        }
    }
    if (result == PAM_SUCCESS) {
        *responses = made;
        return PAM_SUCCESS;
    }
    for (int i = 0; i < count; i++)
        free(made[i].resp);
    free(made);
    return result;
}
