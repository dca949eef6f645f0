import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = der(0x06, Buffer.from('550403', 'hex'));
const SUBJECT_ALTERNATIVE_NAME = der(0x06, Buffer.from('551d11', 'hex'));

const BASIC_CONSTRAINTS = der(0x06, Buffer.from('551d13', 'hex'));
const CRITICAL = der(0x01, Buffer.of(0xff));

export interface Certificate {
  readonly name: string;
  readonly key: string;
  readonly certificate: string;
}

export interface CertificateOptions {
  /** Signs it; default: itself. */
  readonly issuer?: Certificate;
  /** The kind of its key; default EC. Whatever has an RSA key needs an issuer that has not. */
  readonly keyType?: 'rsa';
  /** May sign others. */
  readonly isAuthority?: boolean;
  readonly from?: Date;
  readonly to?: Date;
}

/** A key and a certificate for 127.0.0.1, both as PEM. */
export function createCertificate(name: string, options: CertificateOptions = {}): Certificate {
  const { issuer, isAuthority = false, keyType } = options;
  const { from = new Date('2020-01-01T00:00:00Z'), to = new Date('2049-12-31T23:59:59Z') } = options;
  const { privateKey, publicKey } =
    keyType === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const address = der(0x04, der(SEQUENCE, der(0x87, Buffer.of(127, 0, 0, 1))));
  const constraints = der(0x04, der(SEQUENCE, CRITICAL));
  const extensions = [der(SEQUENCE, SUBJECT_ALTERNATIVE_NAME, address)];
  if (isAuthority) extensions.push(der(SEQUENCE, BASIC_CONSTRAINTS, CRITICAL, constraints));
  const signed = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1), randomBytes(8)),
    ECDSA_WITH_SHA256,
    nameOf(issuer?.name ?? name),
    der(SEQUENCE, utcTime(from), utcTime(to)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', signed, issuer?.key ?? privateKey)]);
  const whole = der(SEQUENCE, signed, ECDSA_WITH_SHA256, der(0x03, signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    name,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
}

function nameOf(name: string): Buffer {
  return der(SEQUENCE, der(0x31, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name)))));
}

function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
