import { unwatchFile, watchFile } from "node:fs";

/**
 * How often the files are looked at. Looking works where being told does not: on network file systems,
 * for files that are replaced by a rename or through a link, and for files that are not there yet.
 */
const LOOK_EVERY_MS = 250;

export interface WatchOptions {
  /** How long nothing may have changed before it counts; asked for each time. */
  readonly debounceMs: () => number;
  readonly onChange: () => void;
}

/**
 * Calls back once some of the files have changed, and have not for a moment: an editor may write in
 * several steps. Comes and goes of a file are changes. Disposing it ends the calls.
 */
export function watchFiles(
  files: readonly string[],
  { debounceMs, onChange }: WatchOptions,
): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, debounceMs());
    timer.unref();
  };
  for (const file of files) {
    watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, changed);
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const file of files) unwatchFile(file, changed);
    },
  };
}
