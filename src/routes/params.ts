import Type, { type TSchema } from 'typebox';
import { notFound } from '../errors.ts';
import { Problem } from '../schemas.ts';

/** Parameters of a path that names something by its number. Text, so that anything else is 404 and not 400. */
export const IdParams = Type.Object({ id: Type.String() });

/** Calls without parameters: an unknown one is refused like everywhere. */
export const NoQuery = Type.Object({}, { additionalProperties: false });

/** The answers of a call, for its description: answers are never checked against them. */
export function answers<T extends TSchema>(schema: T) {
  return { 200: schema, default: Problem };
}

/** @throws HttpError 404 for what cannot be an id */
export function idOf(params: { id: string }, what: string): number {
  if (!/^[1-9]\d{0,14}$/.test(params.id)) throw notFound(`${what} ${params.id}`);
  return Number(params.id);
}
