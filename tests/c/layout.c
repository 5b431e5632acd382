/* Prints where every field of every struct lies. Compared with layout.expected: a difference breaks
 * programs that were compiled before. */
#include "check.h"

#define STRUCT(type) printf("%s %zu\n", #type, sizeof(type))
#define FIELD(type, field) \
  printf("  %s %zu %zu\n", #field, offsetof(type, field), sizeof(((type *)0)->field))

int main(void) {
  STRUCT(sigmatag_error);
  FIELD(sigmatag_error, struct_size);
  FIELD(sigmatag_error, status);
  FIELD(sigmatag_error, offset);
  FIELD(sigmatag_error, message);
  STRUCT(sigmatag_options);
  FIELD(sigmatag_options, struct_size);
  FIELD(sigmatag_options, flags);
  FIELD(sigmatag_options, min_level);
  FIELD(sigmatag_options, max_record);
  FIELD(sigmatag_options, reserved);
  STRUCT(sigmatag_event);
  FIELD(sigmatag_event, struct_size);
  FIELD(sigmatag_event, format);
  FIELD(sigmatag_event, data);
  FIELD(sigmatag_event, len);
  FIELD(sigmatag_event, time_ns);
  FIELD(sigmatag_event, tag);
  FIELD(sigmatag_event, tag_len);
  FIELD(sigmatag_event, logsource);
  FIELD(sigmatag_event, logsource_len);
  STRUCT(sigmatag_hit);
  FIELD(sigmatag_hit, record);
  FIELD(sigmatag_hit, event);
  FIELD(sigmatag_hit, rule);
  FIELD(sigmatag_hit, generation);
  STRUCT(sigmatag_summary);
  FIELD(sigmatag_summary, struct_size);
  FIELD(sigmatag_summary, generation);
  FIELD(sigmatag_summary, records);
  FIELD(sigmatag_summary, events);
  FIELD(sigmatag_summary, matched_records);
  FIELD(sigmatag_summary, hits);
  FIELD(sigmatag_summary, malformed);
  FIELD(sigmatag_summary, unexamined);
  FIELD(sigmatag_summary, unrouted);
  STRUCT(sigmatag_tagging);
  FIELD(sigmatag_tagging, struct_size);
  FIELD(sigmatag_tagging, shape);
  FIELD(sigmatag_tagging, key);
  FIELD(sigmatag_tagging, key_len);
  FIELD(sigmatag_tagging, flags);
  FIELD(sigmatag_tagging, reserved);
  STRUCT(sigmatag_rule);
  FIELD(sigmatag_rule, struct_size);
  FIELD(sigmatag_rule, level);
  FIELD(sigmatag_rule, id);
  FIELD(sigmatag_rule, id_len);
  FIELD(sigmatag_rule, title);
  FIELD(sigmatag_rule, title_len);
  FIELD(sigmatag_rule, author);
  FIELD(sigmatag_rule, author_len);
  FIELD(sigmatag_rule, tags);
  FIELD(sigmatag_rule, tags_len);
  FIELD(sigmatag_rule, logsource);
  FIELD(sigmatag_rule, logsource_len);
  STRUCT(sigmatag_info_t);
  FIELD(sigmatag_info_t, struct_size);
  FIELD(sigmatag_info_t, generation);
  FIELD(sigmatag_info_t, rules);
  FIELD(sigmatag_info_t, format_version);
  FIELD(sigmatag_info_t, skipped_rules);
  FIELD(sigmatag_info_t, regexes);
  FIELD(sigmatag_info_t, bytes);
  FIELD(sigmatag_info_t, ruleset);
  FIELD(sigmatag_info_t, reserved);
  STRUCT(sigmatag_stats_t);
  FIELD(sigmatag_stats_t, struct_size);
  FIELD(sigmatag_stats_t, reserved);
  FIELD(sigmatag_stats_t, calls);
  FIELD(sigmatag_stats_t, records);
  FIELD(sigmatag_stats_t, events);
  FIELD(sigmatag_stats_t, matched_records);
  FIELD(sigmatag_stats_t, hits);
  FIELD(sigmatag_stats_t, malformed);
  FIELD(sigmatag_stats_t, unexamined);
  FIELD(sigmatag_stats_t, unrouted);
  FIELD(sigmatag_stats_t, tag_replaced);
  FIELD(sigmatag_stats_t, tags_truncated);
  FIELD(sigmatag_stats_t, panics);
  FIELD(sigmatag_stats_t, reloads);
  FIELD(sigmatag_stats_t, failed_reloads);
  return 0;
}
