/* What the filter says of itself when it starts. */
#ifndef SIGMATAG_STATUS_H
#define SIGMATAG_STATUS_H

#include "host.h"
#include "metrics.h"
#include "options.h"
#include "sigmatag.h"

/* Names the rules and the options in force, and options that cannot do what they are for. */
void say_start(const struct host_instance *at, const struct options *options, const sigmatag *engine,
               const sigmatag_scratch *scratch, const struct metrics *metrics);

#endif
