#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# glewlwyd.sh - a real OAuth 2.0 server on loopback: Debian's glewlwyd behind
# TLS, with an sqlite file and a CA of its own.
#
#     glewlwyd.sh start DIR     makes DIR anew, starts the server, sets it up
#     glewlwyd.sh resume DIR    starts it again on the same data
#     glewlwyd.sh stop DIR      ends it
#     glewlwyd.sh disable DIR   disables bob's account in the running server
#     glewlwyd.sh enable DIR    enables it again
#
# start prints what a client must know as lines that a shell can read with
# eval: GLEWLWYD_BASE, GLEWLWYD_CA, GLEWLWYD_CLIENT, GLEWLWYD_SECRET (a file).
# From the environment come GLEWLWYD_PORT (4593), and ALICE_PASSWORD and
# BOB_PASSWORD, the passwords of its two users.
#
# What is set up: a plugin "oidc" (ES256, access tokens of one hour, one-use
# refresh tokens), a scope "linux", the users alice and bob, and a
# confidential client "pam" that may ask and revoke.  All of it goes over the
# server's own admin API; nothing is written into its database by hand but
# the schema that comes with the package.
set -eu

usage() {
    echo "usage: glewlwyd.sh start|resume|stop|disable|enable DIR" >&2
    exit 2
}

[ $# -eq 2 ] || usage
verb=$1
dir=$2
port=${GLEWLWYD_PORT-4593}
site=https://localhost:$port

fail() {
    echo "glewlwyd.sh: $1" >&2
    [ ! -f "$dir/glewlwyd.log" ] || tail -n 5 "$dir/glewlwyd.log" >&2
    exit 1
}

# A CA, and a certificate for localhost that it signs.
make_certificates() {
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -sha256 -days 30 -out ca.pem \
        -subj "/CN=Example CA" \
        -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign,cRLSign"
    openssl ecparam -name prime256v1 -genkey -noout -out tls.key
    openssl req -new -key tls.key -subj "/CN=localhost" -out tls.csr
    printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1" \
        "basicConstraints=CA:FALSE" "extendedKeyUsage=serverAuth" >tls.ext
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
        -sha256 -days 30 -extfile tls.ext -out tls.pem 2>/dev/null
}

# The key that signs the tokens.
make_token_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out token.key
    openssl ec -in token.key -pubout -out token.pub 2>/dev/null
}

make_database() {
    packaged=/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3
    if [ -f "$packaged" ]; then
        sqlite3 glewlwyd.db <"$packaged"
    else
        fail "the package glewlwyd with its database schema is missing"
    fi
}

make_configuration() {
    cat >glewlwyd.conf <<END
port = $port
bind_address = "127.0.0.1"
external_url = "$site"
login_url = "login.html"
api_prefix = "api"
log_mode = "file"
log_level = "INFO"
log_file = "$PWD/glewlwyd.log"
cookie_domain = "localhost"
cookie_secure = 1
admin_scope = "g_admin"
profile_scope = "g_profile"
hash_algorithm = "SHA512"
user_module_path = "/usr/lib/glewlwyd/user"
user_middleware_module_path = "/usr/lib/glewlwyd/user_middleware"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
use_secure_connection = true
secure_connection_key_file = "$PWD/tls.key"
secure_connection_pem_file = "$PWD/tls.pem"
database =
{
  type = "sqlite3"
  path = "$PWD/glewlwyd.db"
};
END
}

launch() {
    setsid glewlwyd --config-file="$PWD/glewlwyd.conf" \
        </dev/null >>console.log 2>&1 &
    echo $! >pid
    for _ in $(seq 100); do
        if curl -s -o /dev/null --cacert ca.pem "$site/config"; then
            return
        fi
        kill -0 "$(cat pid)" 2>/dev/null || fail "glewlwyd did not start"
        sleep 0.1
    done
    fail "glewlwyd does not answer on $site"
}

end() {
    [ -f pid ] || return 0
    pid=$(cat pid)
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 50); do
        [ -d "/proc/$pid" ] || return 0
        # Killed, and waiting for somebody to take note of it.
        grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null && return 0
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
}

# admin METHOD PATH: one call of the admin API; its JSON comes on standard
# input.
admin() {
    code=$(curl -s -o answer -w '%{http_code}' --cacert ca.pem -b cookies \
        -c cookies -X "$1" -H "Content-Type: application/json" \
        --data-binary @- "$site/api/$2") || code=none
    [ "$code" = 200 ] || fail "$1 $2 gave $code: $(head -c 300 answer)"
}

# A text as a JSON string.
quoted() {
    printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' \
        -e 's/$/"/'
}

# A PEM file as a JSON string.
quoted_file() {
    awk 'BEGIN { printf "\"" } { printf "%s\\n", $0 } END { printf "\"" }' "$1"
}

add_user() {
    admin POST user/ <<END
{"username": "$1", "name": "$1", "email": "$1@example.com",
 "password": $(quoted "$2"), "enabled": true,
 "scope": ["openid", "linux", "g_profile"]}
END
}

# From here on admin() is the administrator.
log_in() {
    admin POST auth/ <<END
{"username": "admin", "password": "password"}
END
}

# The administrator's cookie has served.
log_out() {
    rm -f cookies answer
}

# set_bob true|false: whether his account is enabled.
set_bob() {
    log_in
    admin PUT user/bob <<END
{"username": "bob", "name": "bob", "email": "bob@example.com",
 "enabled": $1, "scope": ["openid", "linux", "g_profile"]}
END
    log_out
}

set_up() {
    log_in
    for scope in linux introspect; do
        admin POST scope <<END
{"name": "$scope", "display_name": "$scope", "description": "$scope",
 "password_required": true, "password_max_age": 0, "scheme": {}}
END
    done
    admin POST mod/plugin/ <<END
{"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": {
 "iss": "$site/api/oidc", "jwt-type": "ecdsa", "jwt-key-size": "256",
 "key": $(quoted_file token.key), "cert": $(quoted_file token.pub),
 "default-kid": "k1", "jwks-show": true, "secret-type": "",
 "access-token-duration": 3600, "refresh-token-duration": 1209600,
 "code-duration": 600, "refresh-token-rolling": true,
 "refresh-token-one-use": "always",
 "client-refresh-token-one-use-parameter": "refresh-token-one-use",
 "allow-non-oidc": true, "subject-type": "public",
 "auth-type-code-enabled": false, "auth-type-token-enabled": false,
 "auth-type-implicit-enabled": false, "auth-type-none-enabled": false,
 "auth-type-device-enabled": false, "auth-type-client-enabled": false,
 "auth-type-password-enabled": true, "auth-type-refresh-enabled": true,
 "introspection-revocation-allowed": true,
 "introspection-revocation-auth-scope": ["introspect"],
 "introspection-revocation-allow-target-client": true,
 "name-claim": "on-demand", "email-claim": "on-demand",
 "scope-claim": "on-demand", "request-parameter-allow": false,
 "pkce-allowed": false}}
END
    add_user alice "${ALICE_PASSWORD:?the password of alice}"
    add_user bob "${BOB_PASSWORD:?the password of bob}"
    admin POST client/ <<END
{"client_id": "pam", "name": "pam", "confidential": true, "enabled": true,
 "client_secret": $(quoted "$(cat secret)"),
 "password": $(quoted "$(cat secret)"),
 "token_endpoint_auth_method": ["client_secret_basic"],
 "authorization_type": ["password", "refresh_token"],
 "redirect_uri": ["https://localhost/none"], "scope": ["introspect"]}
END
    log_out
}

case $verb in
start)
    rm -rf "$dir"
    mkdir -m 700 "$dir"
    cd "$dir"
    openssl rand -hex 16 >secret
    make_certificates
    make_token_key
    make_database
    make_configuration
    launch
    set_up
    cat <<END
GLEWLWYD_BASE=$site/api/oidc
GLEWLWYD_CA=$PWD/ca.pem
GLEWLWYD_CLIENT=pam
GLEWLWYD_SECRET=$PWD/secret
END
    ;;
resume)
    cd "$dir"
    launch
    ;;
stop)
    cd "$dir"
    end
    ;;
disable)
    cd "$dir"
    set_bob false
    ;;
enable)
    cd "$dir"
    set_bob true
    ;;
*) usage ;;
esac
