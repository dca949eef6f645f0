/**
 * Resources: what the telemetry is about. The tree has one, for the instruments of `multistorageclient.`; each process
 * has its own for all others, so that no two processes write the same series.
 */
import os from 'node:os';
import path from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { Attributes } from '@opentelemetry/api';
import { replaceFile } from './files.ts';
import { VERSION } from '../version.ts';
import { readPrivateText } from './directory.ts';
import { uuid } from './random.ts';

const RESOURCE_FILE = 'resource.json';
const INSTANCE_KEY = 'multistorageclient.telemetry.instance';
/** One for a process and all threads that it starts from now on. */
const INSTANCE = (getEnvironmentData(INSTANCE_KEY) as string | undefined) ?? uuid();
setEnvironmentData(INSTANCE_KEY, INSTANCE);

/** `service.name` and what `OTEL_RESOURCE_ATTRIBUTES` says; `OTEL_SERVICE_NAME` wins (resource SDK specification). */
function serviceAttributes(env: Readonly<NodeJS.ProcessEnv>): Attributes {
  const attributes: Attributes = {
    'service.name': `unknown_service:${path.basename(process.argv0)}`,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'multistorageclient',
    'telemetry.sdk.version': VERSION,
    'host.name': os.hostname(),
  };
  for (const pair of (env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) attributes[pair.slice(0, at).trim()] = decoded(pair.slice(at + 1).trim());
  }
  const service = env['OTEL_SERVICE_NAME'];
  if (service !== undefined && service !== '') attributes['service.name'] = service;
  return attributes;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The resource of this process. */
export function processResource(env: Readonly<NodeJS.ProcessEnv>): Attributes {
  return { ...serviceAttributes(env), 'service.instance.id': INSTANCE, 'process.pid': process.pid };
}

/** Writes down the tree's resource: that of the process which starts it, without what is the process's own. */
export function writeTreeResource(tree: string, env: Readonly<NodeJS.ProcessEnv>): void {
  const instance = path.basename(tree).replace(/^tree-/, '');
  const attributes = { ...serviceAttributes(env), 'service.instance.id': instance };
  replaceFile(path.join(tree, RESOURCE_FILE), JSON.stringify(attributes));
}

export function readTreeResource(tree: string): { readonly attributes: Attributes } {
  try {
    const attributes = JSON.parse(readPrivateText(path.join(tree, RESOURCE_FILE)) ?? '') as Attributes | null;
    if (typeof attributes === 'object' && attributes !== null) return { attributes };
  } catch {
    // As if there were none.
  }
  return { attributes: { 'service.name': 'unknown_service:node' } };
}
