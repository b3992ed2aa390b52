/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * url.c - which addresses a password may go to.
 *
 * It refuses what two parsers could read in two ways.
 */
#include "provider/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define HOST_MAX 300

/* Whether HOST, as it stands in a URL, is an address of another machine. */
static bool
is_remote_address(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    if (host[0] == '[') {
        char bare[INET6_ADDRSTRLEN + 2];
        size_t length = strcspn(host + 1, "]");

        if (length >= sizeof(bare))
            return true;
        memcpy(bare, host + 1, length);
        bare[length] = '\0';
        return inet_pton(AF_INET6, bare, &six) != 1
               || !IN6_IS_ADDR_LOOPBACK(&six);
    }
    /* inet_aton(3) knows every old spelling, such as 127.1. */
    return inet_aton(host, &four) != 0 && ntohl(four.s_addr) >> 24 != 127;
}

static const char *
host_problem(const char *authority, size_t length, bool plain)
{
    char host[HOST_MAX];

    if (length == 0)
        return "the host is missing";
    if (length >= sizeof(host))
        return "the host is too long";
    memcpy(host, authority, length);
    host[length] = '\0';
    if (strchr(host, '@') != NULL)
        return "credentials in a URL: use auth = basic";
    if (strstr(host, URL_UNKNOWN) != NULL)
        return "the host must not depend on who signs in";
    if (host[0] != '[')
        host[strcspn(host, ":")] = '\0';
    if (host[0] == '\0')
        return "the host is missing";
    if (plain && is_remote_address(host))
        return "plain http goes to a loopback address only";
    return NULL;
}

const char *
url_problem(const char *url, bool allow_http)
{
    static const char secure[] = "https://";
    static const char plain[] = "http://";
    bool is_plain = false;
    const char *authority;

    for (const char *at = url; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte <= ' ' || byte == 0x7f || byte == '\\')
            return "a space, backslash or control character in a URL";
        if (byte == '#')
            return "a # in a URL";
    }
    if (strncmp(url, secure, strlen(secure)) == 0) {
        authority = url + strlen(secure);
    } else if (strncmp(url, plain, strlen(plain)) == 0) {
        authority = url + strlen(plain);
        is_plain = true;
    } else {
        return "a URL begins with https://";
    }
    if (is_plain && !allow_http)
        return "plain http: the password could be read on its way; use "
               "https:// (or allow_http = yes, for a loopback address)";
    return host_problem(authority, strcspn(authority, "/?"), is_plain);
}
