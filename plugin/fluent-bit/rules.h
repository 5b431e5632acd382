/* Loaded rule sets: shared by all instances that name the same file. */
#ifndef SIGMATAG_RULES_H
#define SIGMATAG_RULES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "options.h"
#include "sigmatag.h"

/*
 * The newest good rule set of a file outlives its instances: the object stays mapped
 * through a hot reload, so a file that went bad between the host's check and its
 * restart (where a refusal ends the process) can fall back to it.
 *
 * `engine` is never asked to match: it is what the engines of the instances take
 * the rules from. Those are one per instance, because options are the engine's.
 */
struct rule_set {
    struct rule_set *next;
    char *path;                  /* NULL: embedded pack */
    bool newest;                 /* the last good one of its path */
    unsigned users;              /* instances and pending starts */
    uint64_t order;
    sigmatag *engine;
    char identity[65];
};

extern pthread_mutex_t store_lock; /* guards everything here */

/*
 * The host checks a new configuration while the old pipeline still runs
 * (`checking`: its metrics do not exist yet) and later starts it. The check
 * always reads the file and may refuse. The start takes what the check verified;
 * it reads only where there was no check (first start, processors, 1.8-2.0), and
 * there an earlier good set of the same file beats ending the process.
 * False (said why) if there are no usable rules.
 */
bool settle_rules(const struct host_instance *at, const void *config, const struct options *options, bool checking);

/* The rules that settle_rules kept for an instance; taken, the caller has a share in them. */
const struct rule_set *settled_rules(const struct host_instance *at);
struct rule_set *take_settled_rules(const struct host_instance *at);
void release_rule_set(struct rule_set *rules);

/* An engine with the options of one instance; NULL (said why) if they are not to be had. */
sigmatag *new_engine(const struct host_instance *at, const struct rule_set *rules, const struct options *options);

#endif
