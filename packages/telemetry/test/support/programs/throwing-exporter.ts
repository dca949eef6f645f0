/** A constructor of an exporter that can be found, and only fails where it is called: in the server. */
export function ThrowingExporter(): never {
  throw new Error('no credentials');
}
