/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * certificate.c - words for a certificate that was refused.
 */
#include "helper/certificate.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>

void
certificate_problem(long verified, const char *trusted, const char *words,
                    char *text, size_t size)
{
    const char *name = X509_verify_cert_error_string(verified);

    switch (verified) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(text, size,
                 "the server's certificate is signed by an unknown CA (%s); "
                 "trusted are those in %s",
                 name, trusted);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(text, size,
                 "the certificate of the server, or of its CA, has expired");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(text, size,
                 "the server's certificate is not valid yet (is the clock of "
                 "this machine right?)");
        break;
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* what curl begins with */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(text, size,
                 "the server's certificate is for another name (%s)", words);
        break;
    default:
        snprintf(text, size, "the server's certificate is not good: %s", name);
        break;
    }
}
