// SPDX-License-Identifier: BSD-3-Clause
//
// server.js DIR - oidc-provider as the auth API of the integration tests.
//
// DIR/settings.json, which oidc.py writes, names ports, the certificate, the
// client and the users.  Each request is one line in DIR/requests.log.  It
// refuses to be used for anything else: it listens on loopback only, and its
// control endpoint obeys whoever asks.
//
// oidc-provider has no password grant of its own; the one below is written
// with what it offers for that.  All else that a client sees is its own:
// refresh with rotation, revocation, introspection, key set.

import { generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import Provider, { errors } from 'oidc-provider';

const folder = process.argv[2];
const settings = JSON.parse(readFileSync(`${folder}/settings.json`, 'utf8'));
const issuer = `https://localhost:${settings.port}`;
const users = new Map(Object.entries(settings.users));
const lives = { access: 3600, refresh: 14 * 24 * 3600 };

// --- keys -------------------------------------------------------------------

// The newest stands first: oidc-provider signs with the first that fits.
let keys = [];

// Makes a key that signs from now on; the earlier ones leave the key set
// unless they are kept.
function rotate({ alg = 'RS256', keep = false } = {}) {
  const pair = alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = pair.privateKey.export({ format: 'jwk' });
  const kid = `key-${keys.length + 1}`;
  for (const key of keys) key.published &&= keep;
  keys = [{ jwk: { ...jwk, kid, alg, use: 'sig' }, published: true }, ...keys];
  return { kid };
}

// Signs with an older key again, in the key set or not.
function signWith({ kid }) {
  const chosen = keys.find(({ jwk }) => jwk.kid === kid);
  keys = [chosen, ...keys.filter((key) => key !== chosen)];
  return { kid };
}

// --- the store --------------------------------------------------------------

// oidc-provider's own forgets the oldest of a thousand entries: a token that
// nobody revoked would look like one that somebody did.
const stored = new Map(); // "MODEL ID" -> { payload, family, endsAt }

class Store {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, life) {
    const family = this.model === 'Grant' ? id : payload.grantId;
    stored.set(`${this.model} ${id}`,
      { payload, family, endsAt: Date.now() + life * 1000 });
  }

  async find(id) {
    const entry = stored.get(`${this.model} ${id}`);
    return entry && entry.endsAt > Date.now() ? entry.payload : undefined;
  }

  async consume(id) {
    stored.get(`${this.model} ${id}`).payload.consumed =
      Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    stored.delete(`${this.model} ${id}`);
  }

  async revokeByGrantId(family) {
    for (const [key, entry] of stored) {
      const model = key.split(' ')[0];
      if (entry.family === family && model === this.model) stored.delete(key);
    }
  }
}

// What can still be used, as "MODEL USER".
function alive() {
  const found = [];
  for (const [key, { payload, endsAt }] of stored) {
    if (payload.accountId && !payload.consumed && endsAt > Date.now()) {
      found.push(`${key.split(' ')[0]} ${payload.accountId}`);
    }
  }
  return found;
}

// --- the provider -----------------------------------------------------------

// How often tokens were asked for: "password ok", "refresh_token refused".
const tally = {};

function count(ctx, result) {
  const kind = ctx.oidc?.params?.grant_type;
  if (kind) tally[`${kind} ${result}`] = (tally[`${kind} ${result}`] ?? 0) + 1;
}

function account(name) {
  const user = users.get(name);
  if (!user || user.disabled) return undefined;
  return {
    accountId: name,
    claims: () => ({
      sub: name,
      preferred_username: name,
      email: `${name}@example.com`,
      roles: user.roles ?? [],
    }),
  };
}

function passwordFits(user, password) {
  const expected = Buffer.from(user?.password ?? '', 'utf8');
  const given = Buffer.from(password ?? '', 'utf8');
  return expected.length === given.length && expected.length > 0
    && timingSafeEqual(expected, given);
}

// What a resource server gets: an access token that is a JWT.
function resourceServer(identifier) {
  const { kid, alg } = keys[0].jwk;
  return {
    scope: 'linux',
    audience: identifier,
    accessTokenFormat: 'jwt',
    accessTokenTTL: lives.access,
    jwt: { sign: { alg, kid } },
  };
}

// RFC 6749, section 4.3.
async function passwordGrant(ctx, next) {
  const { client, params, provider } = ctx.oidc;
  if (!passwordFits(users.get(params.username), params.password)) {
    throw new errors.InvalidGrant('wrong name or password');
  }
  const found = account(params.username);
  if (!found) {
    throw new errors.CustomOIDCProviderError(
      'invalid_grant', 'Account disabled',
    );
  }

  const scope = params.scope ?? '';
  const grant = new provider.Grant({
    accountId: found.accountId,
    clientId: client.clientId,
  });
  grant.addOIDCScope(scope);
  if (params.resource) grant.addResourceScope(params.resource, scope);
  const common = {
    accountId: found.accountId,
    client,
    grantId: await grant.save(),
    gty: 'password',
  };

  const access = new provider.AccessToken({ ...common, scope });
  if (params.resource) {
    access.resourceServer = new provider.ResourceServer(
      params.resource, resourceServer(params.resource),
    );
  }
  const refresh = new provider.RefreshToken({
    ...common, scope, resource: params.resource,
  });
  ctx.oidc.entity('Client', client);
  ctx.oidc.entity('Account', found);
  ctx.oidc.entity('Grant', grant);
  ctx.oidc.entity('AccessToken', access);

  ctx.body = {
    access_token: await access.save(),
    refresh_token: await refresh.save(),
    expires_in: access.expiration,
    token_type: access.tokenType,
    scope: scope || undefined,
  };
  if (scope.split(' ').includes('openid')) {
    const token = new provider.IdToken(await found.claims(), { ctx });
    token.scope = scope;
    ctx.body.id_token = await token.issue({ use: 'idtoken' });
  }
  await next();
}

// oidc-provider takes its keys once: another set needs another provider.  The
// store of tokens is one for all of them.
function makeProvider() {
  const provider = new Provider(issuer, {
    adapter: Store,
    clients: [{
      client_id: settings.client,
      client_secret: settings.secret,
      grant_types: ['password', 'refresh_token'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: keys[0].jwk.alg,
    }],
    jwks: { keys: keys.map(({ jwk }) => jwk) },
    scopes: ['openid', 'profile', 'linux'],
    claims: { openid: ['sub'], profile: ['preferred_username', 'roles'] },
    conformIdTokenClaims: false,
    cookies: { keys: [settings.secret] },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    findAccount: (ctx, id) => account(id),
    features: {
      devInteractions: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: (ctx, client, token) => (
          token.clientId === client.clientId
          && account(token.accountId) !== undefined
        ),
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, identifier) => resourceServer(identifier),
        useGrantedResource: () => true,
      },
      revocation: { enabled: true },
    },
    ttl: {
      AccessToken: () => lives.access,
      Grant: () => lives.refresh,
      IdToken: () => lives.access,
      RefreshToken: () => lives.refresh,
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'jwks') {
      const shown = new Set(keys.filter(({ published }) => published)
        .map(({ jwk }) => jwk.kid));
      ctx.body = { keys: ctx.body.keys.filter(({ kid }) => shown.has(kid)) };
      ctx.set('Cache-Control', 'public, max-age=3600');
    }
  });
  provider.registerGrantType('password', passwordGrant,
    ['username', 'password', 'scope', 'resource']);
  provider.on('grant.success', (ctx) => count(ctx, 'ok'));
  provider.on('grant.error', (ctx) => count(ctx, 'refused'));
  provider.on('server_error', (ctx, error) => console.error(error));
  return provider.callback();
}

// --- the servers ------------------------------------------------------------

rotate();
let answer = makeProvider();

const verbs = {
  '/keys': rotate,
  '/sign': signWith,
  '/lives': (wanted) => Object.assign(lives, wanted),
  '/users': ({ name, ...wanted }) => {
    Object.assign(users.get(name), wanted);
    return {};
  },
};
const questions = {
  '/alive': alive,
  '/tally': () => tally,
};

const certificate = readFileSync(settings.certificate);
const api = https.createServer(
  { cert: certificate, key: certificate, minVersion: 'TLSv1.2' },
  (request, response) => {
    response.on('finish', () => {
      const { method, url } = request;
      appendFileSync(`${folder}/requests.log`,
        `${method} ${url} ${response.statusCode}\n`);
    });
    answer(request, response);
  },
);

const control = http.createServer(async (request, response) => {
  try {
    let text = '';
    for await (const piece of request) text += piece;
    let result;
    if (questions[request.url]) {
      result = questions[request.url]();
    } else {
      result = verbs[request.url](JSON.parse(text));
      answer = makeProvider();
    }
    response.end(JSON.stringify(result));
  } catch (error) {
    response.statusCode = 400;
    response.end(String(error));
  }
});

control.listen(settings.control, '127.0.0.1', () => {
  api.listen(settings.port, '127.0.0.1', () => {
    writeFileSync(`${folder}/ready`, '');
  });
});
