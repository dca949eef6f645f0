/**
 * `config.schema.json`, made from the description that validates. Run as a program, it writes the file:
 * `node packages/telemetry/dist/test/config/schema-document.js`.
 */
import { writeFileSync } from 'node:fs';
import { CONFIGURATION } from '../../src/config/sections.ts';
import { SCHEMA_FILE } from './files.ts';

export function schemaDocument(): string {
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'MSC configuration, as far as telemetry reads it',
    ...CONFIGURATION.json,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, schemaDocument());
