/**
 * How programs end: 0 when all is done, else one of these; the core's commands have the same.
 */

/** It did not work, or the command line names what there is not. */
export const EXIT_FAILURE = 1;

/**
 * `EX_CONFIG` of sysexits.h: a setting has to be mended, be it a flag or a variable. A service
 * manager that starts us again cannot help.
 */
export const EXIT_CONFIG = 78;
