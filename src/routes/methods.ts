import type { FastifyRequest } from 'fastify';
import { HttpError } from '../errors.ts';
import type { App } from './app_types.ts';

/**
 * Tells an address that does not exist from one that has other methods.
 * @param app before its routes are declared
 * @returns the refusal of a request that no route takes
 */
export function watchMethods(app: App): (request: FastifyRequest) => HttpError {
  const methodsByPath = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPath.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsByPath.set(url, methods);
  });
  return (request) => {
    const path = request.url.split('?')[0] ?? '';
    const found = [...methodsByPath].find(([pattern]) => isMatch(pattern, path));
    if (!found || found[1].has(request.method)) {
      return new HttpError('not_found', 'There is nothing under this address.');
    }
    const allow = [...found[1]].sort();
    const detail = `${request.method} is not possible here, but ${allow.join(', ')}.`;
    return new HttpError('method_not_allowed', detail, { allow });
  };
}

/** Whether a path is one of a route's: `:name` stands for one segment. Wildcards are those of files, GET only. */
function isMatch(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const segments = path.split('/');
  if (wanted.at(-1) === '*') return wanted.slice(0, -1).every((part, index) => part === segments[index]);
  if (wanted.length !== segments.length) return false;
  return wanted.every((part, index) => part === segments[index] || (part.startsWith(':') && segments[index]));
}
