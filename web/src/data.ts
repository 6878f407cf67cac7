import { QueryClient, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type Answer, ApiError, get } from './api.ts';

/** Lists and figures are asked for again this often while the page is visible. */
const POLL_MS = 15_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The loopback is there without a network, so the browser's idea of being offline is not asked.
      networkMode: 'always',
      refetchInterval: POLL_MS,
      refetchOnWindowFocus: 'always',
      gcTime: 5 * 60_000,
      retryDelay: 500,
      retry: (failures, error) =>
        failures < 1 && error instanceof ApiError && [0, 502, 503, 504].includes(error.problem.status),
    },
  },
});

export type Loaded<T> = UseQueryResult<Answer<T>, Error>;

/**
 * The answer to a GET, asked for again every `pollMs` while the page is visible.
 * @param path with its query; null asks for nothing
 * @param keep shows the answer to the question before, of the same path, until this one's is there
 */
export function useGet<T>(path: string | null, { pollMs = POLL_MS, keep = false } = {}): Loaded<T> {
  return useQuery<Answer<T>, Error>({
    queryKey: [path],
    queryFn: ({ signal }) => get<T>(path ?? '', signal),
    enabled: path !== null,
    refetchInterval: pollMs,
    placeholderData: (previous, question) =>
      keep && pathOf(question?.queryKey[0]) === pathOf(path) ? previous : undefined,
  });
}

const pathOf = (question: unknown): unknown =>
  typeof question === 'string' ? question.split('?')[0] : question;

/** To call after a change: everything on the page is asked for again. */
export function refreshAll(): Promise<void> {
  return queryClient.invalidateQueries();
}
