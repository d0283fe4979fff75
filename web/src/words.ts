/** Reasons in the words of the service, as the page says them. */

/** A reason without the file's name, which the server's begin with, as in a terminal. */
export function reasonAlone(reason: string, name: string): string {
  return reason.startsWith(`${name}: `) ? reason.slice(name.length + 2) : reason;
}

/** A reason as a sentence: with a capital, and a stop. */
export function sentence(reason: string): string {
  return stopped(reason.charAt(0).toUpperCase() + reason.slice(1));
}

/** Words with a stop after them. */
export function stopped(words: string): string {
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}
