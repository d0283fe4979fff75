/** Small helpers for the page's own elements. */

/** An element that the page is known to have. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element as T;
}

/** A new element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set text only where it differs, so that nothing is announced or laid out anew for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A call that is made once before the next picture, however often it is asked for. */
export function beforeNextPaint(call: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      call();
    });
  };
}

export function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}

/** What a person calls an expert: `consensus` is Consensus, `a` is Expert A. */
export function expertLabel(name: string): string {
  if (/^[a-z]$/.test(name)) return `Expert ${name.toUpperCase()}`;
  const words = name.replace(/^expert[_-]([a-z])$/, "expert $1").replace(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the person has asked for no needless movement. */
export function prefersCalm(): boolean {
  return calm.matches;
}
