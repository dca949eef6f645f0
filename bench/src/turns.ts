/** Turns of the event loop, one after the other, with as little as possible around what each of them does. */
export function eachTurn(turns: number, run: (turn: number) => void): Promise<void> {
  return new Promise((resolve) => {
    let turn = 0;
    const next = (): void => {
      if (turn === turns) return resolve();
      run(turn++);
      setImmediate(next);
    };
    next();
  });
}
