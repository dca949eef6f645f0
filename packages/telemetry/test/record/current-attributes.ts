import type { Attributes } from '@opentelemetry/api';
import type { AttributesProvider } from '../../src/attributes/provider.ts';

/** Loaded by configured.test.ts as a class of the program; says what the test wants to hear. */
export class CurrentAttributes implements AttributesProvider {
  readonly isDynamic: boolean;

  constructor(options: { readonly isDynamic: boolean }) {
    this.isDynamic = options.isDynamic;
  }

  attributes(): Attributes {
    return (globalThis as { currentAttributes?: () => Attributes }).currentAttributes?.() ?? {};
  }
}
