/**
 * Imports a package that only some exporters need, and that programs install themselves.
 *
 * @throws Error that names the package where it is not installed.
 */
export async function importOptional<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = cause instanceof Error && cause.message.includes(`'${name}'`) && isNotFound(cause);
    if (!isMissing) throw cause;
    throw new Error(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`, {
      cause,
    });
  }
}

function isNotFound(error: Error): boolean {
  return 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
}
