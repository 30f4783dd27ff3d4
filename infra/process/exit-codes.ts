/** Exit codes as `sysexits.h` numbers them. */

/** `EX_USAGE`: the command line makes no sense. */
export const EXIT_USAGE = 64;

/** `EX_CONFIG`: trying again cannot help, only the user can. */
export const EXIT_CONFIG = 78;
