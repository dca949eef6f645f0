import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import { createCertificate } from '../exporters/certificates.ts';
import { Collector } from '../support/collector.ts';
import { Scene } from '../support/scene.ts';
import { startVault } from '../support/vault.ts';
import { recordVariety } from './sent.ts';

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`a Collector that asks for a client certificate gets it over ${protocol}`, async (t) => {
    const scene = new Scene(t);
    const files = certificateFiles(scene);
    const collector = await Collector.start(t, {
      certificateFile: files.server.certificate,
      keyFile: files.server.key,
      clientAuthorityFile: files.client.certificate,
    });
    if (collector === undefined) return;
    await assertRefusesStrangers(collector, files.server.certificate);
    const options = {
      protocol,
      endpoint: collector.endpoint(protocol, 'metrics'),
      certificate_file: files.server.certificate,
      client_certificate_file: files.client.certificate,
      client_key_file: files.client.key,
    };
    await recordVariety(scene, collector, { type: 'otlp', options });
  });
}

test('a Collector lets in who has the certificates of a real Vault', async (t) => {
  const scene = new Scene(t);
  const vault = await startVault(t);
  if (vault === undefined) return;
  const files = certificateFiles(scene);
  const collector = await Collector.start(t, {
    certificateFile: files.server.certificate,
    keyFile: files.server.key,
    clientAuthorityFile: files.client.certificate,
  });
  if (collector === undefined) return;
  await assertRefusesStrangers(collector, files.server.certificate);
  await vault.put('certificates', {
    cert: readFileSync(files.client.certificate, 'utf8'),
    key: readFileSync(files.client.key, 'utf8'),
    ca: readFileSync(files.server.certificate, 'utf8'),
  });
  const auth = {
    vault_endpoint: vault.endpoint,
    approle_id: vault.roleId,
    approle_secret: vault.secretId,
  };
  const options = { auth, exporter: { endpoint: collector.endpoint('http/protobuf', 'metrics') } };
  const env = { XDG_CACHE_HOME: path.join(scene.root, 'cache') };
  await recordVariety(scene, collector, { type: '_otlp_mtls_vault', options }, env);
});

/** Certificates that sign themselves, as files. */
function certificateFiles({
  root,
}: Scene): Record<'server' | 'client', { certificate: string; key: string }> {
  const files = (name: string): { certificate: string; key: string } => {
    const { certificate, key } = createCertificate(name);
    const paths = { certificate: path.join(root, `${name}.pem`), key: path.join(root, `${name}.key`) };
    writeFileSync(paths.certificate, certificate);
    writeFileSync(paths.key, key);
    return paths;
  };
  return { server: files('server'), client: files('client') };
}

/** Otherwise the tests would pass without a client certificate. */
async function assertRefusesStrangers(collector: Collector, authorityFile: string): Promise<void> {
  const endpoint = collector.endpoint('http/protobuf', 'metrics');
  await assert.rejects(post(endpoint, authorityFile), /certificate/);
}

async function post(url: string, authorityFile: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request(url, { method: 'POST', ca: readFileSync(authorityFile) }, () => resolve())
    .on('error', reject)
    .end();
  await promise;
}
