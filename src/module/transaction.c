/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transaction.c - what one PAM transaction remembers between its calls.
 */
#include "module/transaction.h"
#include "module/journal.h"

#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_SIZE (sizeof("pam_authapi.") + REALM_MAX)
#define VARIABLE_SIZE (sizeof("PAM_AUTHAPI_STAGED_=") + REALM_MAX + ID_SIZE)

static void
data_key(const char *realm, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "pam_authapi.%s", realm);
}

static void
variable_name(const char *realm, char name[VARIABLE_SIZE])
{
    snprintf(name, VARIABLE_SIZE, "PAM_AUTHAPI_STAGED_%s", realm);
}

static void
discard(pam_handle_t *pamh, const char *realm, const char *handle)
{
    struct log log = journal_open(pamh, false);
    struct session_call call = { .rundir = RUNDIR,
                                 .realm = realm,
                                 .log = &log };

    if (handle[0] != '\0')
        session_discard(&call, handle);
}

/* At pam_end: a grant that no session took goes to the outbox, but only in
 * the process that staged it (others have a copy of the handle and not its
 * end), and not when the host says that this is not the real end. */
static void
clean_up(pam_handle_t *pamh, void *data, int error_status)
{
    struct transaction *transaction = data;

    if (transaction->handle[0] != '\0' && transaction->pid == getpid()
        && (error_status & PAM_DATA_SILENT) == 0)
        discard(pamh, transaction->realm, transaction->handle);
    /* A change that was begun and not ended: its grant likewise, or else by
     * the sweep; the password is wiped at any end. */
    if (transaction->old.handle[0] != '\0' && transaction->pid == getpid()
        && (error_status & PAM_DATA_SILENT) == 0)
        discard(pamh, transaction->realm, transaction->old.handle);
    secret_clear(&transaction->old.password);
    free(transaction);
}

struct transaction *
transaction_find(pam_handle_t *pamh, const char *realm)
{
    union {
        const void *found;
        void *data;
    } item = { .found = NULL };
    char key[KEY_SIZE];

    data_key(realm, key);
    if (pam_get_data(pamh, key, &item.found) != PAM_SUCCESS)
        return NULL;
    return item.data;
}

struct transaction *
transaction_take(pam_handle_t *pamh, const char *realm)
{
    struct transaction *transaction = transaction_find(pamh, realm);
    char key[KEY_SIZE];

    if (transaction != NULL)
        return transaction;
    transaction = calloc(1, sizeof(*transaction));
    if (transaction == NULL)
        return NULL;
    snprintf(transaction->realm, sizeof(transaction->realm), "%s", realm);
    data_key(realm, key);
    if (pam_set_data(pamh, key, transaction, clean_up) != PAM_SUCCESS) {
        free(transaction);
        return NULL;
    }
    return transaction;
}

static bool
put_handle(pam_handle_t *pamh, const char *realm, const char *handle)
{
    char name[VARIABLE_SIZE], variable[2 * VARIABLE_SIZE];

    variable_name(realm, name);
    snprintf(variable, sizeof(variable), "%s=%s", name, handle);
    return pam_putenv(pamh, variable) == PAM_SUCCESS;
}

enum status
transaction_sign_in(pam_handle_t *pamh, const char *realm, const char *user,
                    const struct signed_in *signed_in)
{
    struct transaction *transaction = transaction_take(pamh, realm);
    const char *handle = signed_in->handle;

    if (transaction == NULL) {
        discard(pamh, realm, handle);
        return STATUS_NO_MEMORY;
    }
    if (transaction->handle[0] != '\0')
        discard(pamh, realm, transaction->handle);
    transaction_forget_handle(pamh, realm);
    snprintf(transaction->user, sizeof(transaction->user), "%s", user);
    snprintf(transaction->handle, ID_SIZE, "%s", handle);
    transaction->signed_in = true;
    transaction->expired = signed_in->expired;
    transaction->refused = STATUS_UNDECIDED;
    transaction->pid = getpid();
    if (handle[0] != '\0' && !put_handle(pamh, realm, handle)) {
        transaction->signed_in = false;
        transaction->handle[0] = '\0';
        discard(pamh, realm, handle);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

bool
transaction_handle(pam_handle_t *pamh, const char *realm, char handle[ID_SIZE])
{
    const struct transaction *transaction = transaction_find(pamh, realm);
    char name[VARIABLE_SIZE];
    const char *found;

    if (transaction != NULL && transaction->handle[0] != '\0') {
        memcpy(handle, transaction->handle, ID_SIZE);
        return true;
    }
    variable_name(realm, name);
    found = pam_getenv(pamh, name);
    if (found == NULL || !folder_id_valid(found))
        return false;
    memcpy(handle, found, ID_SIZE);
    return true;
}

void
transaction_forget_handle(pam_handle_t *pamh, const char *realm)
{
    struct transaction *transaction = transaction_find(pamh, realm);
    char name[VARIABLE_SIZE];

    if (transaction != NULL)
        transaction->handle[0] = '\0';
    variable_name(realm, name);
    /* A name without '=' takes the variable out. */
    if (pam_getenv(pamh, name) != NULL)
        (void)pam_putenv(pamh, name);
}

void
transaction_refuse(pam_handle_t *pamh, const char *realm, enum status status)
{
    struct transaction *transaction = transaction_find(pamh, realm);

    if (transaction != NULL)
        transaction->refused = status;
}
