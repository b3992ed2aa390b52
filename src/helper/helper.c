/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * helper.c - authapi-helper: one exchange with the API, then it exits.
 *
 * A program of its own so that nothing that parses bytes of the network, and
 * no library that does, runs inside sshd or sudo; and so that a password dies
 * with the process that posted it.  It is started as root by the module, and
 * from the moment it reads a password it is neither root nor able to become
 * root, run a program, or trace or signal another.  It refuses to touch the
 * cache: what it knows came through its socket and goes back through it.
 */
#include "base/clock.h"
#include "base/message.h"
#include "base/status.h"
#include "helper/api.h"
#include "helper/caller.h"
#include "helper/http.h"
#include "helper/report.h"
#include "helper/sandbox.h"
#include "provider/conf.h"
#include "provider/users.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FIRST_MS = 5000, /* for the first message: it is written at once */
    IDLE_MAX_MS = 60 * 60 * 1000,
    MARGIN_S = 5 /* of the alarm behind a limit */
};

struct helper {
    struct caller caller;
    struct request request;
    struct reply reply;
    struct report report;
    struct conf *conf;
    uid_t uid;
    gid_t gid;
    int64_t idle_ms; /* of clock.h: the handover must have come by then */
};

#ifdef SANDBOX_SANITIZED
/* LeakSanitizer traces its own process, which the sandbox forbids. */
const char *__asan_default_options(void); /* NOLINT: the name is given */

__attribute__((used, visibility("default"))) const char *
__asan_default_options(void) /* NOLINT */
{
    return "detect_leaks=0";
}
#endif

/* --- the start ----------------------------------------------------------- */

/* Whether the module, and not somebody at a shell, has started us. */
static bool
has_socket(void)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof(domain);

    if (getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0
        || domain != AF_UNIX)
        return false;
    size = sizeof(type);
    return getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0
           && type == SOCK_STREAM;
}

/* A library that writes to descriptor 2 must not write into the socket: 0 to
 * 2 are open, 3 is ours, and there are no others. */
static bool
order_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd < HELPER_SOCKET);
    if (fd < 0)
        return false;
    close(fd);
    return close_range(HELPER_SOCKET + 1, ~0U, 0) == 0
           && fcntl(HELPER_SOCKET, F_SETFD, FD_CLOEXEC) == 0;
}

/* What a parent may have left behind: a mask, handlers, an environment. */
static void
forget_parent(void)
{
    struct sigaction action;
    sigset_t none;

    (void)clearenv();
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    action.sa_handler = SIG_IGN; /* a closed socket is an error, no signal */
    sigaction(SIGPIPE, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- the request --------------------------------------------------------- */

static enum status
read_request(struct helper *helper)
{
    struct request *request = &helper->request;
    enum status status;

    status = caller_receive(&helper->caller, &request_table, request,
                            clock_ms() + FIRST_MS);
    if (status == STATUS_CANCELLED || status == STATUS_DEADLINE)
        return STATUS_CANCELLED;
    if (status != STATUS_OK)
        return report_end(&helper->report, status,
                          "the request could not be read");
    helper->report.debug = request->debug == 1;
    if (!realm_valid(request->realm) || request->operation < OPERATION_LOGIN
        || request->operation > OPERATION_FACTOR || request->uid < 0
        || request->uid > UINT32_MAX || request->idle_ms < 1
        || request->idle_ms > IDLE_MAX_MS
        || (request->conf != NULL && request->conf[0] != '/'))
        return report_end(&helper->report, STATUS_SYSTEM,
                          "the request is out of bounds");
    if (!user_valid(request->user))
        return report_end(&helper->report, STATUS_NOT_OURS,
                          "what was typed cannot be an account's name");
    helper->idle_ms = clock_ms() + request->idle_ms;
    alarm((unsigned)(request->idle_ms / 1000) + MARGIN_S);
    return STATUS_OK;
}

static enum status
find_user(struct helper *helper)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(HELPER_USER);
    if (user == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
        return report_end(&helper->report, STATUS_SYSTEM,
                          "the user \"%s\" could not be looked up: %s",
                          HELPER_USER, strerror(errno));
    if (user == NULL)
        return report_end(&helper->report, STATUS_MISCONFIGURED,
                          "the user \"%s\" does not exist: create it with "
                          "`useradd --system --user-group --no-create-home "
                          "--home-dir /nonexistent --shell /usr/sbin/nologin "
                          "%s`",
                          HELPER_USER, HELPER_USER);
    if (user->pw_uid == 0 || user->pw_gid == 0)
        return report_end(&helper->report, STATUS_MISCONFIGURED,
                          "the user \"%s\" must be neither uid 0 nor gid 0",
                          HELPER_USER);
    helper->uid = user->pw_uid;
    helper->gid = user->pw_gid;
    return STATUS_OK;
}

/* --- the conf ------------------------------------------------------------ */

/* Takes a problem of the conf: the first goes into the detail.  All others,
 * and what only should be known, are for `authapi check` and debug: one line
 * in the log is enough to send somebody there. */
static void
on_problem(void *context, bool warning, const char *file, int line,
           const char *key, const char *text)
{
    struct report *report = context;
    const char *colon = key[0] != '\0' ? ": " : "";

    if (warning || report->reply->detail != NULL)
        report_debug(report, "%s:%d: %s%s%s", file, line, key, colon, text);
    else if (line > 0)
        report_end(report, STATUS_MISCONFIGURED, "%s:%d: %s%s%s", file, line,
                   key, colon, text);
    else
        report_end(report, STATUS_MISCONFIGURED, "%s: %s%s%s", file, key,
                   colon, text);
}

static enum status
load_conf(struct helper *helper)
{
    const struct conf_reporter reporter = { on_problem, &helper->report };
    const struct request *request = &helper->request;
    enum status status = STATUS_NO_MEMORY;
    char *path = NULL;

    if (request->conf != NULL)
        path = strdup(request->conf);
    else if (asprintf(&path, "%s/%s.conf", CONFDIR, request->realm) < 0)
        path = NULL;
    if (path != NULL)
        status = conf_load(path, PROVIDERSDIR, &reporter, &helper->conf);
    if (status != STATUS_OK && helper->reply.detail == NULL)
        (void)report_end(&helper->report, status, "%s: %s",
                         path != NULL ? path : CONFDIR, status_text(status));
    free(path);
    helper->reply.status = status;
    return status;
}

/* Whether the conf says that this user is ours.  A grant of somebody who no
 * longer is can still be taken back. */
static enum status
check_user(struct helper *helper)
{
    const struct request *request = &helper->request;
    enum status status;

    if (request->probe == 1 || request->operation == OPERATION_REVOKE)
        return STATUS_OK;
    status = users_allow(&helper->conf->users, request->user,
                         (uint32_t)request->uid);
    if (status != STATUS_OK)
        return report_end(&helper->report, status,
                          "%s: `allow` in [users] does not name \"%s\"",
                          helper->conf->path, request->user);
    return STATUS_OK;
}

/* The CA is read when the connection is made, by the user we are now. */
static enum status
check_ca(struct helper *helper)
{
    const struct conf *conf = helper->conf;
    const char *path = conf->ca != NULL ? conf->ca : "/etc/ssl/certs";
    bool folder = conf->ca == NULL || conf->ca_is_folder;
    int fd = open(path, O_RDONLY | O_CLOEXEC | (folder ? O_DIRECTORY : 0));

    if (fd < 0)
        return report_end(
            &helper->report, STATUS_MISCONFIGURED,
            "the CA %s %s cannot be read by the user \"%s\": "
            "%s%s",
            folder ? "folder" : "file", path, HELPER_USER, strerror(errno),
            conf->ca == NULL ? " (install ca-certificates)" : "");
    close(fd);
    return STATUS_OK;
}

/* --- the sandbox --------------------------------------------------------- */

static enum status
enter_sandbox(struct helper *helper)
{
    const char *step = "";
    enum status status = sandbox_drop(helper->uid, helper->gid, &step);

    /* After the last setresuid, which resets it. */
    if (status == STATUS_OK)
        status = sandbox_hide(&step);
    if (status == STATUS_OK) {
        status = check_ca(helper);
        if (status != STATUS_OK)
            return status;
        status = sandbox_paths(helper->conf->ca, &step);
        if (status == STATUS_UNSUPPORTED) {
            report_warning(&helper->report,
                           "this kernel has no Landlock: the helper runs "
                           "with one fence less");
            status = STATUS_OK;
        }
    }
    if (status == STATUS_OK)
        status = sandbox_calls(&step);
    if (status != STATUS_OK)
        return report_end(&helper->report, status,
                          "the helper cannot fence itself in: %s: %s", step,
                          strerror(errno));
    return STATUS_OK;
}

/* All that needs root, and then the loss of it. */
static enum status
prepare(struct helper *helper)
{
    enum status status;

    if (geteuid() != 0)
        return report_end(&helper->report, STATUS_SYSTEM,
                          "the helper must be started by root");
    status = find_user(helper);
    if (status == STATUS_OK)
        status = load_conf(helper);
    if (status == STATUS_OK)
        status = check_user(helper);
    if (status == STATUS_OK)
        status = enter_sandbox(helper);
    if (status == STATUS_OK && !http_begin())
        status = report_end(&helper->report, STATUS_SYSTEM,
                            "the HTTP library does not start");
    return status;
}

int
main(void)
{
    static struct helper helper;
    enum status status;

    helper.caller = (struct caller){ .fd = HELPER_SOCKET };
    helper.reply.opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    helper.reply.state = (struct secret)SECRET_INIT(OPAQUE_MAX);
    helper.reply.keys = (struct secret)SECRET_INIT(KEYS_MAX);
    helper.reply.access = (struct secret)SECRET_INIT(ACCESS_MAX);
    helper.report.reply = &helper.reply;

    /* Nothing may depend on where we were started. */
    if (chdir("/") != 0)
        return 2;
    umask(077);
    if (!has_socket()) {
        fputs("authapi-helper: started by pam_authapi and authapi only; to "
              "try a conf, use `authapi try`\n",
              stderr);
        return 2;
    }
    if (!order_descriptors())
        return 2;
    forget_parent();
    /* As root, which alone can raise what was inherited. */
    sandbox_limit();
    alarm(FIRST_MS / 1000 + MARGIN_S);

    status = read_request(&helper);
    if (status == STATUS_OK)
        status = prepare(&helper);
    if (status == STATUS_OK)
        api_serve(helper.conf, &helper.request, &helper.caller, &helper.report,
                  helper.idle_ms);
    else if (status != STATUS_CANCELLED)
        (void)!caller_send(&helper.caller, &helper.reply,
                           clock_ms() + FIRST_MS);
    /* Not exit(): a resolver that still waits must not keep us. */
    _exit(0);
}
