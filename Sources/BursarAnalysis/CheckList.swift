// `make checks` writes this file from the files in Checks/. Do not edit it.

/// Every check, in the order in which checks run.
enum CheckList {
    static let checks: [any Check.Type] = [
        ChainConsentCheck.self,
        ChainContextCheck.self,
        ChainMissingCheck.self,
        ChainNotAllowedCheck.self,
        ConditionCheck.self,
        ConditionCommentCheck.self,
        DearerChainCheck.self,
        LateRefusalCheck.self,
        LimitModeCheck.self,
        NameWindowCheck.self,
        NeverBindsCheck.self,
        NoHardStopCheck.self,
        NoWindowCheck.self,
        OversubscribedCheck.self,
        RedundantRuleCheck.self,
        RefusedTierCheck.self,
        RuleConflictCheck.self,
        ThresholdOrderCheck.self,
        TooSmallLimitCheck.self,
        UnknownFeatureCheck.self,
        UnreachableThresholdCheck.self,
        UnusedNameCheck.self,
        WorstCaseMarginCheck.self,
        ZeroLimitCheck.self,
    ]

    static let setChecks: [any SetCheck.Type] = [
        AliasOverlapCheck.self,
        PriceJumpCheck.self,
    ]
}
