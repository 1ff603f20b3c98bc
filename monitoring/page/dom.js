/**
 * The only way anything gets onto the page: elements and text nodes. Nothing here parses markup, so that a user id or an
 * error with a tag in it is shown as what it is.
 */

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes] `class`, `id`, `title`, `aria-…`, `data-…`
 * @param {(Node | string)[]} children
 */
export function el(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	element.append(...children);
	return element;
}

/** @param {string} id */
export function byId(id) {
	const element = document.getElementById(id);
	if (element === null) throw new Error(`the page has no element ${id}`);
	return element;
}

/**
 * Writes only what changed: a screen reader, a selection and the browser's layout stay undisturbed.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value null takes it away
 */
export function setAttribute(element, name, value) {
	if (value === null) element.removeAttribute(name);
	else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Makes the children of `parent` match `items`, keeping the element of an item that was there before, with its focus
 * and its open details.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Element} create
 * @param {(element: HTMLElement, item: T) => void} update
 */
export function reconcile(parent, items, keyOf, create, update) {
	const before = new Map([...parent.children].map((child) => [child.getAttribute("data-key"), child]));
	let place = parent.firstElementChild;
	for (const item of items) {
		const key = keyOf(item);
		let element = before.get(key);
		if (element === undefined) {
			element = create(item);
			element.setAttribute("data-key", key);
		}
		before.delete(key);
		update(element, item);
		if (element === place) place = place.nextElementSibling;
		else parent.insertBefore(element, place);
	}
	for (const gone of before.values()) gone.remove();
}

/**
 * A share as a bar. The width goes through the element's style object, which the page's policy allows.
 * @param {string} className
 */
export function bar(className = "bar") {
	const fill = el("span", { class: "fill" });
	const element = el("span", { class: className, "aria-hidden": "true" }, fill);
	return { element, set: (/** @type {number} */ share) => setWidth(fill, share) };
}

/** @param {HTMLElement} element @param {number} share */
export function setWidth(element, share) {
	element.style.width = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
}
