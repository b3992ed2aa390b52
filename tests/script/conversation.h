/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conversation.h - what the host answers when a module asks.
 */
#ifndef AUTHAPI_TESTS_CONVERSATION_H
#define AUTHAPI_TESTS_CONVERSATION_H

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC, in ns. */
int64_t clock_ns(void);

/* Adds the answer of a further prompt, given DELAY ms after it was asked:
 * VALUE is hex, "cancel" or "none".  False when there are too many. */
bool conversation_answer(const char *delay, const char *value);

/* Drops the answers that are left. */
void conversation_forget(void);

/* Forgets when the last prompt was answered. */
void conversation_begin(void);

/* When the last prompt since then was answered; 0 if none was. */
int64_t conversation_entered_at(void);

/* The conversation function of pam_conv(3). */
int conversation_hold(int count, const struct pam_message **messages,
                      struct pam_response **responses, void *data);

#endif
