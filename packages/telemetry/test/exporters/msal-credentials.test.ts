import assert from 'node:assert/strict';
import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as msal from '@azure/msal-node';
import * as grpc from '@grpc/grpc-js';
import { MsalCredentials } from '../../src/exporters/msal-credentials.ts';
import type { MsalAuth } from '../../src/exporters/msal-config.ts';
import { GrpcTransport } from '../../src/exporters/otlp-grpc.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { OtlpMetricsExporter } from '../../src/exporters/otlp-metrics.ts';
import { until } from '../support/until.ts';
import { otlpConfig, startBackend } from './backend.ts';
import { batchOf, gauge } from './batches.ts';
import { createCertificate } from './certificates.ts';
import { startEntraDouble, type EntraDouble, type TokenAnswer } from './entra-double.ts';
import { startGrpcBackend } from './grpc-backend.ts';

const BATCH = batchOf(gauge([1]));
const SECRET = 'client-secret-value';
const QUICK = { retries: 5, backoffMillis: 1, timeoutMillis: 5000 };
const BACKGROUND_MILLIS = 10;

function credentialsOf(
  t: TestContext,
  entra: EntraDouble,
  over: Partial<MsalAuth> = {},
  exporter = otlpConfig('http://127.0.0.1:9/'),
): MsalCredentials {
  const auth: MsalAuth = {
    scopes: ['https://backend/.default'],
    clientId: 'client-id',
    credential: { secret: SECRET },
    authority: entra.authority,
    isOidc: false,
    validatesAuthority: false,
    certificateFile: entra.certificateFile,
    ...over,
  };
  const credentials = new MsalCredentials(msal, { auth, exporter }, QUICK, BACKGROUND_MILLIS);
  t.after(() => credentials.close());
  return credentials;
}

/** Every answer once, then the last one again and again. */
function inTurn(...answers: readonly TokenAnswer[]): () => TokenAnswer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)];
}

/** What is logged while the test runs. */
function captureLog(t: TestContext): unknown[] {
  const { mock } = t.mock.method(console, 'error', () => undefined);
  return new Proxy([], {
    get: (_, name) =>
      Reflect.get(
        mock.calls.map((call) => call.arguments[0] as unknown),
        name,
      ),
  });
}

suite('tokens of Microsoft Entra ID', () => {
  test('one token serves all requests, over HTTP and over gRPC', async (t) => {
    const entra = await startEntraDouble(t);
    const backend = await startBackend(t, (response) => response.end());
    const config = otlpConfig(backend.url, { headers: { authorization: 'configured' } });
    const http = new OtlpMetricsExporter(config, new HttpTransport(config, credentialsOf(t, entra)));
    for (let i = 0; i < 3; i++) assert.equal((await http.export(BATCH, 5000)).status, 'accepted');
    assert.deepEqual(
      backend.received.map(({ request }) => request.headers.authorization),
      ['Bearer token-1', 'Bearer token-1', 'Bearer token-1'],
    );
    const [form, ...others] = entra.requests;
    assert.deepEqual(others, []);
    assert.equal(form.get('grant_type'), 'client_credentials');
    assert.equal(form.get('client_id'), 'client-id');
    assert.equal(form.get('client_secret'), SECRET);
    assert.match(form.get('scope') ?? '', /^https:\/\/backend\/\.default/);

    const server = await startGrpcBackend(t);
    const grpcConfig = otlpConfig(server.url, { protocol: 'grpc' });
    const transport = new GrpcTransport(grpc, 'metrics', grpcConfig, credentialsOf(t, entra));
    const exporter = new OtlpMetricsExporter(grpcConfig, transport);
    assert.equal((await exporter.export(BATCH, 5000)).status, 'accepted');
    assert.deepEqual(server.received[0].metadata.get('authorization'), ['Bearer token-2']);
    await Promise.all([exporter.shutdown(), http.shutdown()]);
  });

  test('a certificate as the credential signs an assertion', async (t) => {
    const entra = await startEntraDouble(t);
    const issuer = createCertificate('authority');
    const { key, certificate } = createCertificate('client', { issuer, keyType: 'rsa' });
    const credential = { certificate: { privateKey: key, publicCertificate: certificate } };
    const credentials = credentialsOf(t, entra, { credential });
    assert.deepEqual(await credentials.headers(), { authorization: 'Bearer token-1' });
    const [form] = entra.requests;
    assert.equal(form.get('client_secret'), null);
    const [header, payload, signature] = (form.get('client_assertion') ?? '').split('.');
    const { publicKey, raw } = new X509Certificate(certificate);
    const head = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, string>;
    assert.equal(head['x5t#S256'], createHash('sha256').update(raw).digest('base64url'));
    const signed = Buffer.from(`${header}.${payload}`);
    const options = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    assert.ok(verify('sha256', signed, options, Buffer.from(signature, 'base64url')));
  });

  test('an authority of OpenID Connect', async (t) => {
    const entra = await startEntraDouble(t);
    const credentials = credentialsOf(t, entra, { isOidc: true });
    assert.deepEqual(await credentials.headers(), { authorization: 'Bearer token-1' });
  });

  test('a token is renewed before it expires, without a request, and none waits for it', async (t) => {
    const entra = await startEntraDouble(t);
    let renewals: TokenAnswer = 'hang';
    entra.answer = () => (entra.issued === 0 ? { expiresIn: 3600, refreshIn: 1 } : renewals);
    const credentials = credentialsOf(t, entra);
    assert.deepEqual(await credentials.headers(), { authorization: 'Bearer token-1' });
    await until('renewal by the timer', () => entra.requests.length === 2);
    assert.deepEqual(await credentials.headers(), { authorization: 'Bearer token-1' });
    assert.equal(entra.requests.length, 2, 'one fetch at a time');
    renewals = { expiresIn: 3600 };
    credentials.close();

    entra.issued = 0;
    const others = credentialsOf(t, entra);
    assert.deepEqual(await others.headers(), { authorization: 'Bearer token-1' });
    await until('second token', () => entra.issued === 2);
    await until('its use', async () => (await others.headers())['authorization'] === 'Bearer token-2');
  });

  test('a token that has expired is not used', async (t) => {
    const entra = await startEntraDouble(t);
    entra.answer = inTurn({ expiresIn: 1 }, { status: 503 });
    captureLog(t);
    const credentials = credentialsOf(t, entra);
    assert.deepEqual(await credentials.headers(), { authorization: 'Bearer token-1' });
    await until('its end', async () => (await credentials.headers())['authorization'] === undefined);
    entra.answer = () => ({ expiresIn: 3600 });
    await until('the next', async () => (await credentials.headers())['authorization'] === 'Bearer token-2');
  });

  test('five retries; then requests leave without a token, one line says so, until there is one', async (t) => {
    const entra = await startEntraDouble(t);
    const log = captureLog(t);
    for (const failure of [{ status: 429 }, { status: 500 }, { status: 504 }, 'reset'] as const) {
      entra.answer = () => failure;
      entra.requests.length = 0;
      entra.issued = 0;
      const logged = log.length;
      const credentials = credentialsOf(t, entra);
      assert.deepEqual(await credentials.headers(), {});
      assert.equal(entra.requests.length, 6, JSON.stringify(failure));
      await Promise.all([credentials.headers(), credentials.headers(), sleep(20)]);
      assert.ok(log.length <= logged + 1);
      entra.answer = () => ({ expiresIn: 3600 });
      await until('token', async () => (await credentials.headers())['authorization'] === 'Bearer token-1');
      credentials.close();
    }
    assert.ok(log.length >= 1);
    assert.match(
      String(log[0]),
      /^msc-telemetry: requests leave without a token: 127\.0\.0\.1:\d+: HTTP status 429$/,
    );
    assert.ok(!JSON.stringify([...log]).includes(SECRET));
  });

  test('a retry succeeds', async (t) => {
    const entra = await startEntraDouble(t);
    entra.answer = inTurn({ status: 503 }, 'reset', { status: 502 }, { expiresIn: 3600 });
    assert.deepEqual(await credentialsOf(t, entra).headers(), { authorization: 'Bearer token-1' });
    assert.equal(entra.requests.length, 4);
  });

  test('credentials that the authority does not take are not tried again and again', async (t) => {
    const entra = await startEntraDouble(t);
    const log = captureLog(t);
    entra.answer = () => ({ status: 401 });
    assert.deepEqual(await credentialsOf(t, entra).headers(), {});
    assert.equal(entra.requests.length, 1);
    assert.match(String(log[0]), /AADSTS0/);
  });

  test('a token that the backend refuses is replaced', async (t) => {
    const entra = await startEntraDouble(t);
    const backend = await startBackend(t, (response, { request }) => {
      response.statusCode = request.headers.authorization === 'Bearer token-1' ? 401 : 200;
      response.end();
    });
    const config = otlpConfig(backend.url);
    const exporter = new OtlpMetricsExporter(config, new HttpTransport(config, credentialsOf(t, entra)));
    await sleep(BACKGROUND_MILLIS);
    assert.equal((await exporter.export(BATCH, 5000)).status, 'retry');
    await until('acceptance', async () => (await exporter.export(BATCH, 5000)).status === 'accepted');
    assert.ok(entra.issued >= 2);
  });

  test('options that MSAL cannot use are refused at once', async (t) => {
    const entra = await startEntraDouble(t);
    const { certificate } = createCertificate('client');
    const credential = { certificate: { privateKey: 'no key', publicCertificate: certificate } };
    assert.throws(() => credentialsOf(t, entra, { credential }));
    assert.throws(() => credentialsOf(t, entra, { credential: {} }), /credential was not resolved/);
  });
});
