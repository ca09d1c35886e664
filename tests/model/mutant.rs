//! Mistakes that the protocol could have. Each is made by what surrounds the shipped code:
//! by the store, by the calls on AWS, by whoever delivers events.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A slot is written whoever has written it since it was read.
    NoFence,
    /// So is only what AWS has answered.
    AnswerWithoutFence,
    /// The marker is written before the transaction.
    MarkerBefore,
    /// The marker is written after the transaction.
    MarkerAfter,
    /// Whoever delivers an event takes it for understood as soon as it is received.
    AcknowledgedOnReceipt,
    /// The token is made of the event that leads to the call.
    TokenOfEvent,
    /// The parameters are worked out anew when a claim is resumed.
    ParametersAnew,
    /// A claim is resumed without looking for its execution.
    ResumedWithoutLooking,
    /// A claim is resumed although its lease is not over.
    LeaseIgnored,
    /// A worker's clock stands still while it is frozen.
    ClockStandsStill,
    /// The SDK repeats a start call, and its answer is that of the second.
    RefusalAfterLostAnswer,
    /// A start call that was not answered is taken for one that had no effect.
    GivenBackOnTimeout,
    /// A claim does not say when somebody must look at it.
    NeverDue,
    /// A failed run takes its causes with it.
    CausesDroppedOnFailure,
    /// A failed run takes its rows with it.
    RowsDroppedOnFailure,
    /// An alarm that is over is not marked in the claim that carries it.
    WithdrawalNotMarked,
    /// The start history forgets.
    StartsForgotten,
    /// Runs of others are not kept.
    ForeignRunsForgotten,
    /// A package is not described before the claim of its deployment.
    ApprovalBelieved,
    /// A package is not described before it is written to.
    WrittenBlindly,
    /// What must be done elsewhere is not kept.
    ErrandsForgotten,
    /// A package that waits for a person is looked at only when SageMaker tells of it.
    NeverLookedAt,
}
