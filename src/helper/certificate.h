/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * certificate.h - words for a certificate that was refused.
 *
 * The TLS library decides; this file only says it so that an administrator
 * knows what to do.
 */
#ifndef AUTHAPI_HELPER_CERTIFICATE_H
#define AUTHAPI_HELPER_CERTIFICATE_H

#include <stddef.h>

/* Writes a clause for VERIFIED, a result of X509_verify_cert(3): when it
 * names no problem, it was the name that did not fit.  TRUSTED is the file or
 * folder of the CAs that were asked, WORDS what the library said itself. */
void certificate_problem(long verified, const char *trusted, const char *words,
                         char *text, size_t size);

#endif
