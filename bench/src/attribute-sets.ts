/**
 * Attribute sets as storage clients have them, of 0, 3, 7 or 15 attributes, and so many different ones as are asked for.
 *
 * `fresh` are functions with one object literal each, as a program writes it at the place of the call: a new object at every
 * call, of the same shape. No string is made there.
 */
import type { Attributes } from '@opentelemetry/api';

export type AttributeCount = 0 | 3 | 7 | 15;

const OPERATIONS = ['read', 'write', 'list', 'delete'] as const;
const BUCKETS: readonly string[] = Array.from({ length: 25_000 }, (_, index) => `bucket-${index}`);

const operation = (set: number): string => OPERATIONS[set % OPERATIONS.length];
const bucket = (set: number): string => BUCKETS[(set / OPERATIONS.length) | 0];

/** The sets by number; one number gives equal attributes every time. */
export const fresh: Readonly<Record<AttributeCount, (set: number) => Attributes>> = {
  0: () => ({}),
  3: (set) => ({
    'multistorageclient.provider': 's3',
    'multistorageclient.operation': operation(set),
    'storage.bucket': bucket(set),
  }),
  7: (set) => ({
    'multistorageclient.provider': 's3',
    'multistorageclient.operation': operation(set),
    'multistorageclient.status': 'success',
    'multistorageclient.version': '0.1.0',
    'storage.bucket': bucket(set),
    'cloud.region': 'eu-central-1',
    'host.name': 'worker-17',
  }),
  15: (set) => ({
    'multistorageclient.provider': 's3',
    'multistorageclient.operation': operation(set),
    'multistorageclient.status': 'success',
    'multistorageclient.version': '0.1.0',
    'storage.bucket': bucket(set),
    'cloud.region': 'eu-central-1',
    'host.name': 'worker-17',
    'cloud.provider': 'aws',
    'cloud.availability_zone': 'eu-central-1b',
    'k8s.cluster.name': 'training',
    'k8s.namespace.name': 'default',
    'k8s.pod.name': 'loader-7c9f4',
    'process.executable.name': 'node',
    'deployment.environment.name': 'production',
    'job.name': 'nightly',
  }),
};

/** One object for each set. */
export function attributeSets(attributes: AttributeCount, sets: number): Attributes[] {
  return Array.from({ length: sets }, (_, set) => fresh[attributes](set));
}

const MIN_ORDER_LENGTH = 8192;

const orderLength = (sets: number): number => 2 ** Math.ceil(Math.log2(Math.max(MIN_ORDER_LENGTH, sets)));

/**
 * Numbers of sets in an order without a pattern, the same one every time. Its length is a power of two, and at least their
 * number: index it with `& (order.length - 1)`.
 */
export function randomOrder(sets: number): Uint32Array {
  let seed = 42;
  return Uint32Array.from({ length: orderLength(sets) }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * sets);
  });
}

/** As `randomOrder`, one set after the other. */
export function inTurn(sets: number): Uint32Array {
  return Uint32Array.from({ length: orderLength(sets) }, (_, index) => index % sets);
}
