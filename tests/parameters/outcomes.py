"""Parameters that show in what a run does, over its rounds and to its thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.parameters import budgets, conversation, places, waiting
from tests.parameters.scene import Scene

Play: TypeAlias = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    play: Play
    fields: tuple[str, ...]
    """The parameters that it is about; none for what every run does."""


def _about(field: str, *plays: Play) -> list[Outcome]:
    return [Outcome(play=play, fields=(field,)) for play in plays]


OUTCOMES: tuple[Outcome, ...] = (
    *_about("thread_id", places.only_that_threads_messages),
    *_about("thread", places.the_new_thread_and_its_messages),
    *_about("assistant_id", places.that_assistants_parameters),
    *_about("tool_resources", places.no_files_to_be_found, places.resources_for_the_new_thread),
    *_about("metadata", places.metadata_of_the_run),
    *_about("model", places.a_model_of_another_provider, places.a_provider_that_is_not_there),
    *_about(
        "additional_messages",
        places.additional_messages_join_the_thread,
        conversation.additional_images_with_their_detail,
    ),
    *_about(
        "tool_choice",
        conversation.required_only_in_the_first_turn,
        conversation.a_function_only_in_the_first_turn,
        conversation.none_and_auto_in_each_turn,
        conversation.a_choice_of_nothing_is_refused,
    ),
    *_about("reasoning_effort", conversation.reasoning_is_given_back_with_its_calls),
    *_about("parallel_tool_calls", conversation.parallel_tool_calls_in_each_turn),
    *_about(
        "max_prompt_tokens",
        budgets.prompt_budget_over_rounds,
        budgets.prompt_budget_cuts_the_first_prompt,
        budgets.prompt_budget_forbids_a_call_that_would_exceed_it,
        budgets.prompt_budget_below_the_question,
    ),
    *_about(
        "max_completion_tokens",
        budgets.completion_budget_over_rounds,
        budgets.completion_budget_in_the_middle_of_an_answer,
    ),
    *_about(
        "truncation_strategy",
        budgets.auto_drops_whole_oldest_messages,
        budgets.auto_counts_instructions_and_tools,
        budgets.auto_keeps_room_for_the_answer,
        budgets.auto_counts_every_script,
        budgets.auto_counts_images_by_their_detail,
        budgets.auto_keeps_a_call_with_its_output,
        budgets.a_question_beyond_the_window_is_the_providers_to_refuse,
        budgets.last_messages,
        budgets.last_messages_still_fit_the_window,
    ),
    *_about("stream", waiting.a_stream_comes_to_the_same),
    *_about("wait", waiting.without_wait_it_is_queued),
    *_about("wait_timeout", waiting.not_longer_than_asked),
    Outcome(play=conversation.reasoning_stays_before_what_it_led_to, fields=()),
    Outcome(play=conversation.an_effort_of_the_assistants_is_in_force, fields=()),
    Outcome(play=conversation.a_refusal_is_a_part, fields=()),
    Outcome(play=conversation.images_with_their_detail, fields=()),
    Outcome(play=budgets.no_usage_counts_as_nothing, fields=()),
    Outcome(play=budgets.usage_is_the_sum_of_the_steps, fields=()),
    Outcome(play=places.the_assistants_values_are_in_force, fields=()),
)
