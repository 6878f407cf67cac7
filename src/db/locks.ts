/** PostgreSQL's advisory locks are numbers that all of a database's users share: here are all of ours. */
export const LOCKS = {
  /** Instances that start at once migrate one after the other. */
  migrations: 7_239_041,
  /** One transaction at a time changes the sums over all artifacts. */
  sums: 7_239_042,
  /** Of instances that run the same job at once, one does it. */
  jobs: 7_239_043,
} as const;
