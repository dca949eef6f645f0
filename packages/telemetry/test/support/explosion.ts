/** What `programs/explode.ts` records. */
export const NAMES = {
  gauge: 'multistorageclient.explosion.value',
  counter: 'multistorageclient.explosion.sum',
  histogram: 'multistorageclient.explosion.sizes',
  observed: 'multistorageclient.explosion.seen',
} as const;
