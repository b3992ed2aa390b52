/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c - what an answer means.
 */
#include "helper/judge.h"
#include "provider/rules.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

void
judge_parse(struct http_result *result)
{
    json_decref(result->answer.json);
    result->answer.json =
        json_loadb(secret_text(&result->body), result->body.length,
                   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

const char *
judge_body(const struct http_result *result)
{
    const char *body = secret_text(&result->body);
    json_error_t error = { .text = "" };
    json_t *again;

    if (result->answer.json != NULL)
        return "the body is JSON";
    while (isspace((unsigned char)*body))
        body++;
    if (*body == '\0')
        return "the body is empty";
    if (*body == '<')
        return "the body is HTML";
    again = json_loadb(secret_text(&result->body), result->body.length,
                       JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    json_decref(again);
    if (json_error_code(&error) == json_error_premature_end_of_input)
        return "the body is truncated JSON";
    return *body == '{' || *body == '[' ? "the body is broken JSON"
                                        : "the body is not JSON";
}

/* What every API means, whatever its description says about success. */
static enum status
judge_status(int status, const char **why)
{
    if (status == 429) {
        *why = "the API takes no more attempts for now";
        return STATUS_RATE_LIMITED;
    }
    if (status >= 500) {
        *why = "the server failed";
        return STATUS_UNAVAILABLE;
    }
    if (status >= 300 && status < 400) {
        *why = "a redirect, which is never followed";
        return STATUS_MISCONFIGURED;
    }
    return STATUS_OK;
}

enum status
judge_answer(const struct step *step, const struct http_result *result,
             const struct vars *vars, const char *subject,
             struct report *report)
{
    const struct answer *answer = &result->answer;
    const struct rule *rule = rules_match(&step->rules, answer, vars);
    const char *why = NULL;
    enum status status;

    report->reply->proved = rule != NULL && rule->proves_password;
    if (rule != NULL)
        return report_end(report, rule->class,
                          "%s: HTTP %d, %s (rule in line %d of the "
                          "description or conf)",
                          subject, answer->status, status_name(rule->class),
                          rule->line);
    status = judge_status(answer->status, &why);
    if (status != STATUS_OK)
        return report_end(report, status, "%s: HTTP %d, %s: %s", subject,
                          answer->status, status_name(status), why);
    if (!conds_hold(&step->success, answer, vars))
        return report_end(report, STATUS_MISCONFIGURED,
                          "%s: HTTP %d is no success and matches no rule; %s",
                          subject, answer->status, judge_body(result));
    for (size_t i = 0; i < step->require_count; i++)
        /* Those on claims: hand_take, once the token is verified. */
        if (!conds_need_jwt(&step->require[i].conds)
            && !conds_hold(&step->require[i].conds, answer, vars))
            return report_end(
                report, STATUS_MISCONFIGURED,
                "%s: HTTP %d, but require.%s of [%s] does not hold; %s",
                subject, answer->status, step->require[i].name, step->name,
                judge_body(result));
    return STATUS_OK;
}
